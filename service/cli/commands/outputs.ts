import { text as readAll } from 'node:stream/consumers';
import { RecordFormat, type OutputStatus } from '../../http/api/schemas/output';
import type { OutputOrder } from '../../http/api/schemas/output-order';
import { CommandFailure, ExitCode } from '../command-line/exit-codes';
import { plainText } from '../terminal/plain-text';
import { type Column, table } from '../terminal/table';
import type { FleetContext } from './fleet-context';
import { give } from './orders';
import { outputPlace } from '../../http/api/schemas/output-place';
import { outputColour, outputDetail } from './output-words';
import { missingLines, show } from './show';
import { bytes } from './words';

const COLUMNS: readonly Column<OutputStatus>[] = [
  { title: 'OUTPUT', text: ({ id }) => id },
  { title: 'STATE', text: ({ state }) => state, colour: outputColour },
  { title: 'SENT', text: ({ bytes: count }) => bytes(count), align: 'right', leaveOut: 2 },
  { title: 'GAPS', text: ({ gaps }) => String(gaps), align: 'right', leaveOut: 3 },
  { title: 'BY', text: ({ origin }) => origin, leaveOut: 4 },
  { title: 'WHERE', text: outputPlace, minWidth: 20 },
  { title: 'DETAIL', text: outputDetail, minWidth: 12, leaveOut: 1 },
];

/** `outputs CHANNEL` */
export async function outputsCommand(context: FleetContext): Promise<ExitCode> {
  const { fleet, terminal, args } = context;
  const [channel = ''] = args;
  return show(context, async () => {
    const { outputs, unanswered } = await fleet.stream(channel);
    const lines =
      outputs.length === 0
        ? [plainText(`${channel} is not forwarded, recorded or packaged.`)]
        : table(outputs, COLUMNS, terminal.paint, terminal.width);
    return { json: { channel, outputs }, lines: [...lines, ...missingLines(unanswered, context)] };
  });
}

/** `forward CHANNEL URL`; `-` reads the address, which contains a key, from standard input. */
export async function forwardCommand(context: FleetContext): Promise<ExitCode> {
  const [, given = ''] = context.args;
  const url = given === '-' ? (await readAll(context.stdin)).trim() : given;
  return order(context, { does: 'addForward', url });
}

/** `record CHANNEL start|stop` */
export async function recordCommand(context: FleetContext): Promise<ExitCode> {
  const [, what = ''] = context.args;
  const given = context.options.text('format');
  if (what === 'stop' && given === undefined) return order(context, { does: 'stopRecording' });
  if (what !== 'start') {
    const fault = what === 'stop' ? '--format is for start' : 'record takes start or stop after the channel';
    throw new CommandFailure(ExitCode.NotUnderstood, fault);
  }
  const formats = RecordFormat.array().min(1).safeParse(given?.split(','));
  if (given !== undefined && !formats.success) {
    throw new CommandFailure(ExitCode.NotUnderstood, '--format takes flv, mp4 or flv,mp4');
  }
  return order(context, { does: 'startRecording', ...(formats.success && { formats: formats.data }) });
}

/** `remove-output CHANNEL OUTPUT` */
export async function removeOutputCommand(context: FleetContext): Promise<ExitCode> {
  const [, id = ''] = context.args;
  return order(context, { does: 'remove', id });
}

function order(context: FleetContext, wants: OutputOrder): Promise<ExitCode> {
  const [channel = ''] = context.args;
  return give(context, { order: 'output', channel, wants });
}
