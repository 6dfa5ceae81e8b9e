import type { Logger } from '../logging/logger';
import type { Session } from '../session/session';
import type { OpenSessions } from '../session/open-sessions';

/** How many clients are asked to reconnect at a time, to spare the nodes that they connect to. */
const ASKED_AT_ONCE = 50;
const ASK_AGAIN_MS = 250;

/**
 * Drains a node without ending any stream: clients that support it are asked to reconnect, which leads them to another
 * node, and are served until they leave. Other clients are served until they leave or the time is over.
 *
 * @param timeoutMs how long to wait for the last session to leave
 */
export async function drainSessions(sessions: OpenSessions, timeoutMs: number, log: Logger): Promise<void> {
  for (const session of [...sessions]) {
    // Neither publishing nor playing: nothing to wait for.
    if (session.streams.isEmpty) session.shutDown();
  }
  log.info('draining', { sessions: sessions.size, seconds: Math.round(timeoutMs / 1000) });
  const stopAsking = askToLeave(sessions, log);
  await sessions.empty(timeoutMs);
  stopAsking();
}

/**
 * Asks clients to reconnect, some at a time, also those that begin to publish or play later.
 *
 * @returns a function that ends the asking, which also ends with the last session
 */
export function askToLeave(sessions: OpenSessions, log: Logger): () => void {
  let asked = 0;
  const timer = setInterval(() => askSome(), ASK_AGAIN_MS).unref();
  const askSome = (): void => {
    const count = askNext(sessions);
    asked += count;
    if (asked > 0 && count === 0) {
      log.info('clients were asked to reconnect', { asked });
      asked = 0;
    }
    if (sessions.size === 0) clearInterval(timer);
  };
  askSome();
  return () => clearInterval(timer);
}

/** Asks the next clients; returns their number. */
function askNext(sessions: OpenSessions): number {
  const streaming = [...sessions].filter(({ phase }) => phase === 'publishing' || phase === 'playing');
  // Viewers of a relay first: their stream does not depend on a publisher that is about to move from here.
  streaming.sort((a, b) => urgency(a) - urgency(b));
  let asked = 0;
  for (const session of streaming) {
    if (asked === ASKED_AT_ONCE) break;
    if (session.requestReconnect()) asked += 1;
  }
  return asked;
}

function urgency({ streams: { publish, play } }: Session): number {
  if (publish !== null || play === null) return 1;
  return play.channel.publication?.publisher?.isRelay === true ? 0 : 2;
}
