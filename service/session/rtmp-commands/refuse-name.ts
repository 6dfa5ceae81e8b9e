import type { CommandSession } from './command-session';

/**
 * Refuses a `publish` or `play` with an invalid stream name. The connection stays open if only the key is missing; any
 * other invalid name closes it.
 *
 * @returns the reason that the client is told
 */
export function refuseName(session: CommandSession, streamId: number, name: string, verb: 'publish' | 'play'): string {
  const reason = `Bad stream key: ${session.context.names.allowed} are allowed`;
  const code = verb === 'publish' ? 'NetStream.Publish.BadName' : 'NetStream.Play.BadName';
  if (name !== '' && !name.startsWith('?')) {
    session.refuse(streamId, code, reason);
    return reason;
  }
  session.sendStatus(streamId, 'error', code, reason);
  session.log.request(`${verb} without a stream key`, { reason });
  return reason;
}
