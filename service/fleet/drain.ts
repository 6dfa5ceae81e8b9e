import type { Logger } from '../logging/logger';
import type { Session } from '../session/session';
import type { SessionRegistry } from '../session/session-registry';

/**
 * Empties a node without cutting anybody off: clients that understand it are asked to connect anew, which leads them to
 * another node, and are served until they leave; the others until they end by themselves or the time is over.
 *
 * @param timeoutMs how long to wait for the last session to leave
 */
export async function drainSessions(sessions: SessionRegistry, timeoutMs: number, log: Logger): Promise<void> {
  const byUrgency = [...sessions].filter(({ state }) => state.phase === 'publishing' || state.phase === 'playing');
  // Viewers of a relay first: their stream does not depend on a publisher that is about to move from here.
  byUrgency.sort((a, b) => urgency(a) - urgency(b));
  let asked = 0;
  for (const session of byUrgency) if (session.requestReconnect()) asked += 1;
  log.info('draining', { sessions: sessions.size, askedToReconnect: asked, seconds: timeoutMs / 1000 });
  for (const session of [...sessions]) {
    // Neither publishing nor playing: nothing to wait for.
    if (!['publishing', 'playing', 'authorizing'].includes(session.state.phase)) session.shutDown();
  }
  await sessions.empty(timeoutMs);
}

function urgency({ state }: Session): number {
  if (state.phase === 'playing') return state.channel.publication?.publisher?.isRelay === true ? 0 : 2;
  return 1;
}
