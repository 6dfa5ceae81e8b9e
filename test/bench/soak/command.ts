import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { aboveZero, existingFile, share } from '../../support/programs/arguments.cjs';
import { describeMachine } from '../report/machine';
import { aligned } from '../report/tables';
import { binned, slopeOf, type Verdict, verdictOn } from './slope';
import { faultsIn } from './soak-faults';
import { type SoakResult, soakRun } from './soak-run';
import { measures, type Measure } from './soak-measures';

const usage = `npm run bench -- soak [options]   one server under load for a long time: does it lose, leak or slow down?
  --minutes N     length of the run (default 120)
  --share N       of one core, or of --cpus, that the server is to use: the number of players is found at the start (default 0.7)
  --cpus N        CPU time that the server and its outputs have, in cores, as a Fargate task has (needs root)
  --warmup N      share of the run that the slopes leave out at its beginning (default 0.25)
  --bundle FILE   another bundle of this server
  --json FILE     write all that was measured there
  Fails if a frame of the watched streams is lost, changed or out of order, if a clock or a count did not pass its limit,
  if something is left of clients that have gone, or if a measure surely grows faster than its bound.`;

/** Above this share of other programs, delay and latency say more about them than about the server. */
const QUIET_SHARE = 0.1;

/** `npm run bench -- soak`. */
export async function soakCommand(args: readonly string[], bundle: string): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '120' },
      share: { type: 'string', default: '0.7' },
      cpus: { type: 'string' },
      warmup: { type: 'string', default: '0.25' },
      bundle: { type: 'string', default: bundle },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const settings = {
    bundle: existingFile('--bundle', values.bundle),
    minutes: aboveZero('--minutes', values.minutes),
    share: aboveZero('--share', values.share),
    cpus: values.cpus === undefined ? undefined : aboveZero('--cpus', values.cpus),
  };
  const warmup = share('--warmup', values.warmup);
  const machine = describeMachine();
  console.log(`${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node.js ${machine.node}`);
  const result = await soakRun({
    ...settings,
    tell: (line) => console.error(line),
  });
  if (values.json !== undefined) {
    const samples = Object.fromEntries(result.samples);
    writeFileSync(values.json, JSON.stringify({ machine, ...result, samples }, null, 1));
  }
  const foreign = average(result.stretches.map(({ foreignCpuShare }) => foreignCpuShare));
  const rows = measures(result).map((measure) => judged(measure, warmup, foreign));
  const watched = result.witnesses.streams.map((stream) => [
    ...[stream.name, String(stream.messages), String(stream.lost), String(stream.duplicates), String(stream.corrupt)],
    ...[String(stream.timestampErrors), stream.clockPassed ? 'passed' : '–', (stream.bytesReceived / 1e9).toFixed(2)],
    `${stream.acknowledgements}, ${stream.acknowledgementWraps} wraps`,
  ]);
  console.log(`\n${summary(result, foreign)}\n\n${aligned([MEASURES, ...rows.map(({ cells }) => cells)])}`);
  console.log(`\n${aligned([WATCHED, ...watched])}`);
  const faults = [
    ...faultsIn(result),
    ...rows.filter(({ fails }) => fails).map(({ cells: [name] }) => `${name} grows faster than its bound`),
  ];
  for (const fault of faults) console.log(`! ${fault}`);
  console.log(faults.length === 0 ? '\npassed' : '\nFAILED');
  if (faults.length > 0) process.exitCode = 1;
}

const MEASURES = ['measure', 'first', 'last', 'slope per hour', '95 % interval', 'bound', ''];
const WATCHED = ['watched', 'messages', 'lost', 'twice', 'changed', 'wrong time', 'clock', 'GB', 'acknowledgements'];

function judged(measure: Measure, warmup: number, foreign: number): { cells: string[]; fails: boolean } {
  const { name, points, binHours, mostPerHour, of, needsQuiet } = measure;
  const last = points.at(-1)?.hours ?? 0;
  const bins = binned(
    points.filter(({ hours }) => hours >= last * warmup),
    binHours,
    of,
  );
  const slope = slopeOf(bins);
  const verdict = verdictOn(slope, mostPerHour);
  const isJudged = !needsQuiet || foreign <= QUIET_SHARE;
  const shown: Record<Verdict, string> = { grows: 'GROWS', steady: 'steady', undecided: 'undecided' };
  const number = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(1));
  return {
    cells: [
      ...[name, number(bins[0]?.value), number(bins.at(-1)?.value), number(slope?.perHour)],
      slope === undefined ? '–' : `${slope.low.toFixed(1)} to ${slope.high.toFixed(1)}`,
      ...[String(mostPerHour), isJudged ? shown[verdict] : `${shown[verdict].toLowerCase()}, not judged: busy machine`],
    ],
    fails: isJudged && verdict === 'grows',
  };
}

function summary(result: SoakResult, foreign: number): string {
  const { stretches, players, churnPerSecond, churn, handler, recorded, playlist } = result;
  const cpu = average(stretches.map(({ serverCpuShare }) => serverCpuShare));
  const messages = stretches.reduce((sum, stretch) => sum + stretch.players.messages, 0);
  return [
    `${stretches.length} stretches; the server used ${(100 * cpu).toFixed(0)} % of a core, programs of others ${(100 * foreign).toFixed(0)} % of the machine`,
    `${players} players got ${messages} messages; ${churn.opened} short connections (${churnPerSecond}/s), ${churn.failed} failed`,
    `callbacks: ${handler.starts} starts, ${handler.open} without a stop, ${handler.unmatched} stops of no start`,
    `recorded: ${recorded.files} files, ${(recorded.bytes / 1e9).toFixed(2)} GB, ${recorded.tally.messages} messages, ` +
      `${recorded.tally.lost} lost, ${recorded.tally.duplicates} twice, ${recorded.tally.corrupt} changed`,
    `HLS: ${playlist.last + 1} segments, ${playlist.discontinuities} discontinuities`,
  ].join('\n');
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
