import { parseArgs } from 'node:util';
import { aboveZero, count, existingFile, seed as seedOf, WrongArgument } from '../../support/programs/arguments.cjs';
import { describeMachine } from '../report/machine';
import { aligned } from '../report/tables';
import { type FaultKind, faultKinds } from './fault-kinds';
import { faultsRun } from './faults-run';
import { FaultNetwork } from './network';
import type { Recovery } from './recovery';

const usage = `npm run bench -- faults [options]   three nodes with clients, disturbed by faults, and judged from outside
  --seed N         decides which fault comes when (default: any)
  --minutes M      how long faults happen (default 10)
  --publishers P   that want to stay, each with a channel of its own (default 100)
  --players Q      of these channels (default 300)
  --only KINDS     comma list of faults
  --bundle FILE    another build of the server
${faultKinds.map(({ kind, title }) => `      ${kind.padEnd(14)} ${title}`).join('\n')}`;

/** `npm run bench -- faults`: ends with 1 when a promise was broken. */
export async function faultsCommand(args: readonly string[], bundle: string): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string', default: '10' },
      publishers: { type: 'string', default: '100' },
      players: { type: 'string', default: '300' },
      only: { type: 'string' },
      bundle: { type: 'string', default: bundle },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const seed = seedOf('--seed', values.seed ?? String(Math.floor(Math.random() * 1e6)));
  const numbers = {
    bundle: existingFile('--bundle', values.bundle),
    minutes: aboveZero('--minutes', values.minutes),
    publishers: count('--publishers', values.publishers),
    players: count('--players', values.players),
  };
  const chosen = (values.only?.split(',') ?? faultKinds.map(({ kind }) => kind)).map((wanted) => {
    const found = faultKinds.find(({ kind }) => kind === wanted);
    if (found === undefined) throw new WrongArgument(`--only: there is no fault ${wanted}\n${usage}`);
    return found;
  });
  const code = await FaultNetwork.inNamespaces(['--seed', String(seed)]);
  if (code !== undefined) {
    process.exitCode = code;
    return;
  }
  const machine = describeMachine();
  console.log(`${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node.js ${machine.node}; seed ${seed}`);
  const kinds = chosen.filter(({ kind, missing }) => {
    const why = missing?.();
    if (why !== undefined) console.log(`without ${kind}: ${why}`);
    return why === undefined;
  });
  const result = await faultsRun({ seed, ...numbers, kinds, tell: (line) => console.log(line) });
  console.log(`\n${recoveryTable(kinds, result.recoveries)}\n`);
  for (const note of result.notes) console.log(note);
  console.log(result.violations.length === 0 ? '\nno promise was broken' : `\n${result.violations.length} violations:`);
  for (const violation of result.violations) console.log(`  ${violation}`);
  process.exitCode = result.violations.length === 0 ? 0 : 1;
}

const HEADING = [
  ...['fault', 'times', 'publishers lost', 'accepted again, s', 'players without frames', 'frames again, s'],
  ...['newcomers refused or late', 'accepted after its end, s', 'node ready after its end, s'],
];

/** One row per kind: medians and the longest. */
function recoveryTable(kinds: readonly FaultKind[], recoveries: readonly Recovery[]): string {
  const rows = kinds.flatMap(({ kind, title }) => {
    const own = recoveries.filter(({ trouble }) => trouble.kind === kind);
    if (own.length === 0) return [];
    const publishers = own.flatMap((one) => one.publishers);
    const players = own.flatMap((one) => one.players);
    const refused = own.reduce((sum, { newcomersRefused }) => sum + newcomersRefused, 0);
    const unready = own.filter(({ wasUnready }) => wasUnready);
    return [
      [
        ...[title, String(own.length), String(publishers.length), spread(publishers)],
        ...[String(players.length), spread(players), String(refused)],
        ...[refused === 0 ? '–' : spread(own.map(({ newcomersAfter }) => newcomersAfter))],
        unready.length === 0 ? 'always ready' : spread(unready.map(({ readyAfter }) => readyAfter)),
      ],
    ];
  });
  return aligned([HEADING, ...rows]);
}

function spread(values: readonly number[]): string {
  if (values.length === 0) return '–';
  const sorted = [...values].sort((a, b) => a - b);
  return `${sorted[sorted.length >> 1]!.toFixed(1)} (${sorted.at(-1)!.toFixed(1)})`;
}
