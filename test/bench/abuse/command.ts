import { parseArgs } from 'node:util';
import { describeMachine } from '../report/machine';
import { aligned } from '../report/tables';
import { type AbuseResult, abuseRun } from './abuse-run';
import { attacks } from './attacks';

/** The honest stream's longest gap (ms) and the memory (MB) that an attack may cause. */
const MAX_GAP_MS = 150;
const MAX_GROWTH_MB = 100;

const usage = `npm run bench -- abuse [--attack NAMES] [--seconds N] [--bundle FILE]
${attacks.map(({ name, title }) => `  ${name.padEnd(20)} ${title}`).join('\n')}`;

/** `npm run bench -- abuse`: each attack in turn against a new server, on one core. */
export async function abuseCommand(args: readonly string[], bundle: string): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      attack: { type: 'string', default: attacks.map(({ name }) => name).join(',') },
      seconds: { type: 'string', default: '5' },
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
    if (attack === undefined) throw new Error(`there is no attack ${wanted}\n${usage}`);
    return attack;
  });
  const machine = describeMachine();
  console.log(`${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node.js ${machine.node}`);
  const rows: string[][] = [];
  for (const attack of chosen) {
    const result = await abuseRun(attack, values.bundle, Number(values.seconds));
    rows.push(rowOf(attack.name, result));
    console.error(rows.at(-1)!.join('  '));
    for (const reason of result.reasons) console.error(`  ! ${reason}`);
  }
  console.log(`\n${aligned([HEADING, ...rows])}`);
}

const HEADING = [
  'attack',
  'connects',
  'MB sent',
  'CPU %',
  'memory MB',
  'log KB',
  'gap ms',
  'newcomers',
  'slowest ms',
  '',
];

function rowOf(name: string, result: AbuseResult): string[] {
  const { cost, honest, cpuShare, growthMb, logBytes } = result;
  const missed = [
    ...(honest.longestGapMs > MAX_GAP_MS ? [`gap above ${MAX_GAP_MS} ms`] : []),
    ...(growthMb > MAX_GROWTH_MB ? [`memory above ${MAX_GROWTH_MB} MB`] : []),
    ...(honest.served < honest.newcomers - 1 ? ['newcomers turned away'] : []),
    ...(result.crashed ? ['THE SERVER ENDED'] : []),
  ];
  return [
    ...[name, String(cost.connections), (cost.bytes / 1e6).toFixed(1), (cpuShare * 100).toFixed(0)],
    ...[growthMb.toFixed(0), (logBytes / 1000).toFixed(0), honest.longestGapMs.toFixed(0)],
    ...[`${honest.served}/${honest.newcomers}`, honest.slowestMs.toFixed(0)],
    missed.length === 0 ? 'ok' : missed.join(', '),
  ];
}
