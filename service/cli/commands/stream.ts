import type { History, StreamDetail } from '../../http/api/schemas/stream';
import type { ExitCode } from '../command-line/exit-codes';
import { describeSeconds } from '../terminal/duration';
import { plainText } from '../terminal/plain-text';
import type { FleetContext } from './fleet-context';
import { missingLines, show } from './show';
import { outputColour, outputText } from './output-words';
import { audioText, eventText, HEALTH_COLOURS, orUnknown, rate, timeText, videoText } from './words';

const LAST_EVENTS = 10;
const BARS = '▁▂▃▄▅▆▇█';
const SPARK_COLUMNS = 60;

/** `stream CHANNEL` */
export async function streamCommand(context: FleetContext): Promise<ExitCode> {
  const { fleet, args } = context;
  const [channel = ''] = args;
  return show(context, async () => {
    const stream = await fleet.stream(channel);
    return { json: stream, lines: describe(stream, context) };
  });
}

function describe(stream: StreamDetail, context: FleetContext): string[] {
  const { paint } = context.terminal;
  const { client, video, audio, health, playersByNode } = stream;
  const now = new Date();
  const since = `${timeText(stream.since, now)}, for ${describeSeconds(stream.uptimeSeconds)}`;
  const facts: readonly (readonly [string, string])[] = [
    ['channel', stream.channel],
    ['stream id', orUnknown(stream.streamId)],
    ['state', `${stream.state === 'held' ? 'held for its publisher' : 'live'} since ${since}`],
    ['node', stream.node],
    ['publisher', `${orUnknown(client.address)}, ${client.encoder === '' ? 'unknown encoder' : client.encoder}`],
    [
      'video',
      `${videoText(video)}${video === null ? '' : `, ${rate(video.bitrateKbps)}, ${keyframes(video.keyframeIntervalSeconds)}`}`,
    ],
    ['audio', `${audioText(audio)}${audio === null ? '' : `, ${rate(audio.bitrateKbps)}`}`],
    ['bitrate', `${rate(stream.bitrateKbps)}  ${sparkline(stream.history)}`],
    ['players', `${stream.players}${playersByNode.map(({ node, players }) => `, ${players} on ${node}`).join('')}`],
    ['health', health.state === 'noData' ? 'no data' : health.state],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  const colour = HEALTH_COLOURS[health.state];
  return [
    ...facts.map(([name, text]) => {
      const shown = plainText(text);
      return `${paint(name.padEnd(width), 'dim')}  ${name === 'health' ? paint(shown, colour) : shown}`;
    }),
    ...health.issues.map(({ code, sentence, since: at }) =>
      plainText(`  ${sentence} [${code}, since ${timeText(at, now)}]`),
    ),
    ...(stream.outputs.length === 0 ? [] : ['', paint('outputs', 'dim')]),
    ...stream.outputs.map((output) => paint(plainText(`  ${outputText(output)}`), outputColour(output))),
    ...(stream.events.length === 0 ? [] : ['', paint('last events', 'dim')]),
    ...stream.events
      .slice(0, LAST_EVENTS)
      .map((event) => plainText(`  ${timeText(event.at, now)}  ${eventText(event)}`)),
    ...missingLines(stream.unanswered, context),
  ];
}

function keyframes(seconds: number | null): string {
  return seconds === null ? 'no second keyframe yet' : `a keyframe every ${seconds} s`;
}

/** The last ten minutes of the bitrate as bars; empty where nothing was measured. */
function sparkline({ bitrateKbps }: History): string {
  const step = Math.max(1, Math.ceil(bitrateKbps.length / SPARK_COLUMNS));
  const most = Math.max(1, ...bitrateKbps.map((value) => value ?? 0));
  let line = '';
  for (let at = 0; at < bitrateKbps.length; at += step) {
    const value = bitrateKbps[at];
    if (value === null || value === undefined) continue;
    line += BARS[Math.min(BARS.length - 1, Math.floor((value / most) * BARS.length))] ?? '';
  }
  return line;
}
