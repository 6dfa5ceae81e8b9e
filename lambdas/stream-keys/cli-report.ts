import type { SessionRecord } from '../shared/session-record';
import type { ChannelView, KeysResult } from './keys-commands';

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function isoTime(epochSeconds: number | undefined): string {
  return epochSeconds === undefined ? '-' : new Date(epochSeconds * 1000).toISOString();
}

function channelTable(channels: readonly ChannelView[]): string {
  if (channels.length === 0) return 'No channels.';
  const rows = channels.map(({ channel, policy, live, updatedAt }) => [
    channel,
    policy.enabled ? 'enabled' : 'disabled',
    live === undefined ? '-' : `since ${live.startedAt} from ${live.clientIp ?? '?'}`,
    updatedAt,
  ]);
  return table([['CHANNEL', 'STATE', 'LIVE', 'CHANGED'], ...rows]);
}

function channelDetails({ channel, policy, live, ...rest }: ChannelView): string {
  return table([
    ['channel', channel],
    ['state', policy.enabled ? 'enabled' : 'disabled'],
    ['when busy', policy.whenBusy ?? "the deployment's default"],
    ['allowed from', policy.allowedCidrs.join(', ') || 'anywhere'],
    ['not before', isoTime(policy.notBefore)],
    ['not after', isoTime(policy.notAfter)],
    ['play key', policy.playKey ?? 'the publishing key'],
    ['max duration', policy.maxDurationSeconds === undefined ? '-' : `${policy.maxDurationSeconds} s`],
    ['max bitrate', policy.maxBitrateKbps === undefined ? '-' : `${policy.maxBitrateKbps} kbit/s`],
    ['forward to', policy.forward === undefined ? "the node's FORWARD_URLS" : policy.forward.join(', ') || 'nowhere'],
    ['record', policy.record ?? "the node's settings"],
    ['hls', policy.hls === undefined ? "the node's settings" : policy.hls ? 'yes' : 'no'],
    ['old key until', isoTime(rest.previousKeyValidUntil)],
    ['live stream', live === undefined ? '-' : live.streamId],
    ['live since', live?.startedAt ?? '-'],
    ['publisher', live?.clientIp ?? '-'],
    ['on node', live?.rtmpHost ?? '-'],
    ['created', rest.createdAt],
    ['changed', rest.updatedAt],
  ]);
}

function sessionTable(sessions: readonly SessionRecord[]): string {
  if (sessions.length === 0) return 'No sessions.';
  const rows = sessions.map((session) => [
    session.streamId,
    session.startedAt,
    session.endedAt ?? (session.supersededBy === undefined ? 'live' : 'replaced'),
    session.clientIp ?? '-',
  ]);
  return table([['STREAM', 'STARTED', 'ENDED', 'PUBLISHER'], ...rows]);
}

/** The result as text for a terminal. */
export function describeResult(result: KeysResult): string {
  if ('channels' in result) return channelTable(result.channels);
  if ('sessions' in result) return sessionTable(result.sessions);
  if ('policy' in result) return channelDetails(result);
  if ('done' in result) return `${result.channel}: ${result.done} done`;
  const until = result.previousKeyValidUntil;
  return [
    `channel  ${result.channel}`,
    `key      ${result.key}`,
    ...(until === undefined ? [] : [`The old key works until ${isoTime(until)}.`]),
    'The key is not stored and cannot be shown again.',
  ].join('\n');
}
