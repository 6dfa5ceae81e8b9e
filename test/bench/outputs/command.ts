import { parseArgs } from 'node:util';
import { aboveZero, count, existingFile, WrongArgument } from '../../support/programs/arguments.cjs';
import { describeMachine } from '../report/machine';
import { aligned } from '../report/tables';
import { type OutputsCost, outputsRun, TASKS, type Task } from './outputs-run';

const usage = `npm run bench -- outputs [--task NAMES] [--streams N] [--seconds N] [--warmup N] [--runs N] [--bundle FILE]
  What it costs to write streams of 4 Mbps out: this server's rtmp-outputs, and one ffmpeg -c copy for each stream.
  tasks: ${TASKS.join(', ')}`;

const HEADING = ['task', 'by', 'node s/GB', 'outputs s/GB', 'node CPU %', 'outputs CPU %', 'outputs MB', 'streams'];

/** `npm run bench -- outputs`: each task in turn, on one core. */
export async function outputsCommand(args: readonly string[], bundle: string): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      task: { type: 'string', default: TASKS.join(',') },
      streams: { type: 'string', default: '40' },
      seconds: { type: 'string', default: '8' },
      warmup: { type: 'string', default: '10' },
      runs: { type: 'string', default: '1' },
      bundle: { type: 'string', default: bundle },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const tasks = values.task.split(',').map((name) => {
    const task = TASKS.find((known) => known === name);
    if (task === undefined) throw new WrongArgument(`--task: there is no task ${name}\n${usage}`);
    return task;
  });
  const runs = count('--runs', values.runs);
  const settings = {
    bundle: existingFile('--bundle', values.bundle),
    streams: count('--streams', values.streams),
    seconds: aboveZero('--seconds', values.seconds),
    warmupSeconds: aboveZero('--warmup', values.warmup),
  };
  const machine = describeMachine();
  console.log(`${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node.js ${machine.node}`);
  const rows: string[][] = [];
  const faults: string[] = [];
  for (let run = 0; run < runs; run += 1) {
    for (const task of tasks) {
      for (const by of task === 'none' ? (['rtmp-outputs'] as const) : (['rtmp-outputs', 'ffmpeg'] as const)) {
        const cost = await outputsRun({ ...settings, task, by });
        if (cost.streams < settings.streams) {
          faults.push(`${task} by ${by}: only ${cost.streams} of ${settings.streams} streams were written`);
        }
        rows.push(rowOf(task, by, cost));
        console.error(rows.at(-1)!.join('  '));
      }
    }
  }
  console.log(`\n${aligned([HEADING, ...rows])}`);
  for (const fault of faults) console.error(`! ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

function rowOf(
  task: Task,
  by: string,
  { node, outputs, gigabytes, seconds, outputsMb, streams }: OutputsCost,
): string[] {
  const percent = (cpuSeconds: number): string => ((cpuSeconds / seconds) * 100).toFixed(1);
  return [
    ...[task, task === 'none' ? '–' : by, (node / gigabytes).toFixed(2), (outputs / gigabytes).toFixed(2)],
    ...[percent(node), percent(outputs), outputsMb.toFixed(0), String(streams)],
  ];
}
