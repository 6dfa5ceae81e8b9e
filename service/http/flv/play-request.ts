import type { IncomingMessage } from 'node:http';
import type { NameRules, StreamTarget } from '../../session/rtmp-commands/name-rules';

/** The path of a stream: `/live/CHANNEL/KEY.flv`. */
const PREFIX = '/live/';
const SUFFIX = '.flv';

/** Headers that the answer depends on. */
const HEADERS = [
  'host',
  'origin',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
] as const;

/** A request to play a stream: plain data, which can go to another process together with its connection. */
export interface PlayRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly httpVersion: string;
  readonly headers: Readonly<Partial<Record<(typeof HEADERS)[number], string>>>;
  /** The client's. */
  readonly address: string;
  /** The channel that an operator watches, who needs no key; undefined: the URL names channel and key. */
  readonly watched?: string;
  /** What followed the request of a WebSocket client, in base64; undefined for other clients. */
  readonly head?: string;
}

/** Whether this is the path of a stream. */
export function isStreamPath(path: string): boolean {
  return path.startsWith(PREFIX) && path.endsWith(SUFFIX);
}

/** @param head present for WebSocket clients: the bytes that followed the request */
export function playRequest(request: IncomingMessage, address: string, head?: Buffer): PlayRequest {
  const { method = 'GET', url = '/', httpVersion } = request;
  const headers = Object.fromEntries(HEADERS.map((name) => [name, request.headers[name]]));
  return { method, url, httpVersion, headers, address, ...(head && { head: head.toString('base64') }) };
}

/**
 * The stream that a URL names; undefined when the names are not valid. The last slash of the path ends the channel;
 * further slashes belong to it, where names may contain any. In a key they are written `%2F`.
 */
export function targetOf(url: string, names: NameRules): StreamTarget | undefined {
  const [, path, query = ''] = /^([^?#]*)(?:\?([^#]*))?/.exec(url)!;
  const name = path!.slice(PREFIX.length, -SUFFIX.length);
  const slash = name.lastIndexOf('/');
  if (slash < 0) return undefined;
  try {
    return names.urlTarget(decodeURIComponent(name.slice(0, slash)), decodeURIComponent(name.slice(slash + 1)), query);
  } catch {
    // A `%` that encodes nothing.
    return undefined;
  }
}
