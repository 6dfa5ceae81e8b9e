import { parseArgs } from 'node:util';
import { aboveZero, count, existingFile, WrongArgument } from '../../support/programs/arguments.cjs';
import { describeMachine } from '../report/machine';
import { type AbuseResult, abuseRun } from './abuse-run';
import { attacks } from './attacks/index';
import { isInside, runInside } from './namespace';

/** The honest streams' longest gap (ms) and the memory (MB) that an attack may cause. */
const MAX_GAP_MS = 150;
const MAX_GROWTH_MB = 100;

const usage = `npm run bench -- abuse [--attack NAMES] [--part N/M] [--seconds N] [--streams N] [--bundle FILE]
${attacks.map(({ name, title }) => `  ${name.padEnd(20)} ${title}`).join('\n')}`;

/** `npm run bench -- abuse`: each attack in turn against a new server, on one core. */
export async function abuseCommand(args: readonly string[], bundle: string): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      attack: { type: 'string', default: attacks.map(({ name }) => name).join(',') },
      part: { type: 'string', default: '1/1' },
      seconds: { type: 'string', default: '4' },
      streams: { type: 'string', default: '50' },
      bundle: { type: 'string', default: bundle },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const chosen = values.attack.split(',').map((wanted) => {
    const attack = attacks.find(({ name }) => name === wanted);
    if (attack === undefined) throw new WrongArgument(`--attack: there is no attack ${wanted}\n${usage}`);
    return attack;
  });
  const part = partOf(chosen, values.part);
  const options = {
    bundle: existingFile('--bundle', values.bundle),
    seconds: aboveZero('--seconds', values.seconds),
    streams: count('--streams', values.streams),
  };
  const exitCode = isInside() ? undefined : await runInside();
  if (exitCode !== undefined) {
    process.exitCode = exitCode;
    return;
  }
  const machine = describeMachine();
  console.log(`${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node.js ${machine.node}`);
  const rows: (readonly string[])[] = [];
  for (const attack of part) {
    if (attack.needs?.includes('ipv6') === true && !isInside()) {
      console.error(`${attack.name}: not run, it needs a network namespace (unshare, ip)`);
      continue;
    }
    const result = await abuseRun(attack, options);
    rows.push([attack.name, attack.bound, ...figures(result)]);
    console.error([attack.name, ...figures(result)].join('  '));
    for (const reason of result.reasons) console.error(`  ! ${reason}`);
  }
  console.log(`\n${[HEADING, HEADING.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')}`);
}

/** Part N of M, such as `1/2`. */
function partOf<T>(all: readonly T[], part: string): readonly T[] {
  const [, n = '', m = ''] = /^([1-9]\d*)\/([1-9]\d*)$/.exec(part) ?? [];
  if (n === '' || Number(n) > Number(m)) throw new WrongArgument(`--part: N/M, such as 1/2, not '${part}'`);
  const size = Math.ceil(all.length / Number(m));
  return all.slice((Number(n) - 1) * size, Number(n) * size);
}

const HEADING = [
  'attack',
  'bounded by',
  'connections',
  'MB sent',
  "attacker's CPU %",
  'CPU %',
  'memory MB',
  'log KB',
  'frames lost',
  'gap ms',
  'newcomers',
  'healthy',
  '',
];

function figures({ cost, honest, cpuShare, growthMb, logBytes, crashed }: AbuseResult): readonly string[] {
  const missed = [
    ...(honest.lost > 0 ? ['frames lost'] : []),
    ...(honest.longestGapMs > MAX_GAP_MS ? [`gap above ${MAX_GAP_MS} ms`] : []),
    ...(growthMb > MAX_GROWTH_MB ? [`memory above ${MAX_GROWTH_MB} MB`] : []),
    ...(honest.served < honest.newcomers - 1 ? ['newcomers turned away'] : []),
    ...(honest.healthy < honest.checks - 1 ? ['health checks unanswered'] : []),
    ...(crashed ? ['THE SERVER ENDED'] : []),
  ];
  return [
    ...[cost.connections.toLocaleString('en'), (cost.bytes / 1e6).toFixed(1), percent(cost.cpuShare)],
    ...[percent(cpuShare), growthMb.toFixed(0), (logBytes / 1000).toFixed(0)],
    ...[String(honest.lost), honest.longestGapMs.toFixed(0), `${honest.served}/${honest.newcomers}`],
    honest.checks === 0 ? '' : `${honest.healthy}/${honest.checks}`,
    missed.length === 0 ? 'ok' : missed.join(', '),
  ];
}

function percent(share: number): string {
  return (share * 100).toFixed(0);
}
