import type { EndCode } from '../http/api/schemas/event';
import type { PublisherClose } from '../hub/publisher';

/** Why a connection that published was closed, by its close code. */
const CODES: Readonly<Record<string, EndCode>> = {
  client_closed: 'lost',
  connection_error: 'lost',
  silent: 'timeout',
  media_timeout: 'timeout',
  displaced: 'replaced',
  shutdown: 'shutdown',
};

/** Words of the reasons with which a publisher is killed for a limit of its grant. */
const LIMIT = /\bmaximum (?:duration|bitrate)\b/;

/**
 * @param closed how the publisher's connection was closed; undefined: it ended its stream itself
 * @param announced the publisher said that it would stop
 */
export function endOf(
  closed: PublisherClose | undefined,
  announced: boolean,
): { readonly code: EndCode; readonly reason: string } {
  if (closed === undefined || (announced && closed.code === 'client_closed')) {
    return { code: 'stopped', reason: 'The publisher stopped' };
  }
  const { code, reason } = closed;
  if (code === 'killed') return { code: LIMIT.test(reason) ? 'limit' : 'operator', reason };
  if (code === 'client_closed') return { code: 'lost', reason: 'The connection of the publisher broke off' };
  return { code: CODES[code] ?? 'other', reason };
}
