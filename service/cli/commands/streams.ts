import { HealthState } from '../../http/api/schemas/health';
import type { Stream } from '../../http/api/schemas/stream';
import { CommandFailure, ExitCode } from '../command-line/exit-codes';
import { describeSeconds } from '../terminal/duration';
import { type Column, table } from '../terminal/table';
import type { FleetContext } from './fleet-context';
import { missingLines, show } from './show';
import { HEALTH_COLOURS, healthText, orUnknown, rate, videoText } from './words';

const DEFAULT_LIMIT = '1000';

/** What has to stay in a narrow terminal: channel, health, bitrate and node. */
const COLUMNS: readonly Column<Stream>[] = [
  { title: 'CHANNEL', text: ({ channel }) => channel, minWidth: 12 },
  {
    title: 'HEALTH',
    text: ({ health, state }) => (state === 'held' ? 'held' : healthText(health)),
    minWidth: 8,
    colour: ({ health }) => HEALTH_COLOURS[health.state],
  },
  { title: 'BITRATE', text: ({ bitrateKbps }) => rate(bitrateKbps), align: 'right' },
  { title: 'PLAYERS', text: ({ players }) => String(players), align: 'right', leaveOut: 1 },
  { title: 'UP', text: ({ uptimeSeconds }) => describeSeconds(uptimeSeconds), align: 'right', leaveOut: 2 },
  { title: 'VIDEO', text: ({ video }) => videoText(video), minWidth: 14, leaveOut: 4 },
  { title: 'KEYS', text: ({ video }) => keyframes(video?.keyframeIntervalSeconds), align: 'right', leaveOut: 6 },
  { title: 'NODE', text: ({ node }) => node, minWidth: 10, leaveOut: 3 },
  { title: 'FROM', text: ({ client }) => client.address, leaveOut: 5 },
  { title: 'ENCODER', text: ({ client }) => client.encoder, minWidth: 10, leaveOut: 7 },
  { title: 'STREAM ID', text: ({ streamId }) => streamId, minWidth: 8, leaveOut: 8 },
];

/** `streams` */
export async function streamsCommand(context: FleetContext): Promise<ExitCode> {
  const { fleet, terminal } = context;
  const query = queryOf(context);
  return show(context, async () => {
    const page = await fleet.streams(query);
    if (page.total === 0) await requireNode(context);
    const { streams, total, unanswered } = page;
    const count = total === 1 ? '1 stream' : `${total} streams`;
    const shownOf = streams.length < total ? `${streams.length} of ${count}` : count;
    const lines = streams.length === 0 ? [] : table(streams, COLUMNS, terminal.paint, terminal.width);
    const end = total === 0 ? 'No stream is live, or none that fits.' : shownOf;
    return { json: page, lines: [...lines, ...missingLines(unanswered, context), terminal.paint(end, 'dim')] };
  });
}

/** A node without streams and a node that does not exist are different answers. */
async function requireNode({ fleet, options }: FleetContext): Promise<void> {
  const wanted = options.text('on');
  if (wanted === undefined) return;
  const { nodes } = await fleet.nodes();
  if (nodes.some(({ id, machine }) => id === wanted || machine === wanted)) return;
  const ids = nodes.map(({ id }) => id).join(', ');
  throw new CommandFailure(ExitCode.NoEffect, `there is no node ${JSON.stringify(wanted)}, only ${ids}`);
}

function queryOf({ options }: FleetContext): Record<string, string> {
  const limit = options.text('limit') ?? DEFAULT_LIMIT;
  if (!/^[1-9]\d{0,3}$/.test(limit)) throw new CommandFailure(ExitCode.NotUnderstood, '--limit takes 1 to 9999');
  const health = options.text('health');
  if (health !== undefined && !HealthState.safeParse(health).success) {
    const states = HealthState.options.join(', ');
    throw new CommandFailure(ExitCode.NotUnderstood, `--health takes one of ${states}, not ${JSON.stringify(health)}`);
  }
  const given = {
    q: options.text('filter'),
    node: options.text('on'),
    health,
    sort: options.text('sort'),
  };
  const set = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(set), limit };
}

function keyframes(seconds: number | null | undefined): string {
  return seconds === null || seconds === undefined ? orUnknown(null) : `${seconds.toFixed(1)} s`;
}
