import type { SoakResult } from './soak-run';

/** Sockets and descriptors that may be left when all clients have gone: idle connections to the handler. */
const MOST_LEFT = 8;
const MOST_AGE_MS = 5_000;

/** What the run has shown to be wrong, but for growth. */
export function faultsIn(result: SoakResult): string[] {
  const { witnesses, churn, disconnects, recorded, playlist, handler, before, after, stretches } = result;
  const faults: string[] = [...witnesses.failures, ...new Set(disconnects)];
  for (const stream of witnesses.streams) {
    const { name, messages, lost, duplicates, corrupt, timestampErrors, newestFrameMs } = stream;
    const wrong = lost + duplicates + corrupt + timestampErrors;
    if (messages === 0 || newestFrameMs > MOST_AGE_MS) faults.push(`${name}: the stream stopped`);
    if (wrong > 0) {
      faults.push(`${name}: ${lost} lost, ${duplicates} twice, ${corrupt} changed, ${timestampErrors} at a wrong time`);
    }
    if (name.startsWith('clock') && !stream.clockPassed) faults.push(`${name}: it has not passed`);
    if (stream.wrongAcknowledgements > 0)
      faults.push(`${name}: ${stream.wrongAcknowledgements} wrong acknowledgements`);
    if (name.startsWith('more than') && (stream.acknowledgementWraps !== 1 || stream.bytesReceived < 2 ** 32)) {
      faults.push(`${name}: the count of bytes has not passed 2^32`);
    }
  }
  const sum = (of: (stretch: (typeof stretches)[number]['players']) => number): number =>
    stretches.reduce((total, { players }) => total + of(players), 0);
  const wrong = sum(({ lost, duplicates, corrupt, timestampErrors }) => lost + duplicates + corrupt + timestampErrors);
  if (wrong > 0) faults.push(`the other players: ${wrong} messages lost, changed or at a wrong time`);
  if (churn.failed > 0) faults.push(`${churn.failed} short connections failed: ${churn.reasons.join('; ')}`);
  const { tally, files } = recorded;
  if (files === 0 || tally.lost + tally.duplicates + tally.corrupt > 0) {
    faults.push(`recorded: ${files} files, ${tally.lost} lost, ${tally.duplicates} twice, ${tally.corrupt} changed`);
  }
  if (playlist.discontinuities > 0) faults.push(`HLS: ${playlist.discontinuities} discontinuities`);
  if (handler.open > 0) faults.push(`${handler.open} starts have no stop`);
  if (handler.unmatched > 0) faults.push(`${handler.unmatched} stops of no start`);
  const count = (kind: string): number => (after.resources[kind] ?? 0) - (before.resources[kind] ?? 0);
  const left = {
    descriptors: after.descriptors - before.descriptors,
    sockets: count('TCPSocketWrap'),
    timers: count('Timeout'),
  };
  for (const [name, number] of Object.entries(left)) {
    if (number > MOST_LEFT) faults.push(`${number} ${name} are left of clients that have gone`);
  }
  return faults;
}
