import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HlsChannel, HlsChannels } from './hls-channel';
import { contentTypeOf, MEDIA_PLAYLIST, MULTIVARIANT, PLAYLIST_TYPE } from './place';

/** The path below which everything is: `/hls/CHANNEL/NAME`. */
const PREFIX = '/hls/';
/** A blocking reload waits for this many target durations (RFC 8216bis section 6.2.5.2). */
const WAIT_TARGETS = 3;
/** A reload may ask for this many segments ahead of the one that is being made. */
const MAX_AHEAD = 1;
/** Only the node asks, over few connections. */
const MAX_CONNECTIONS = 2_048;
const HEADER_BYTES = 8 * 1024;
/** Names of files that this program makes. */
const FILE_NAME = /^[\w-]+(?:\.\d+)?\.(?:m3u8|mp4|m4s)$/;

interface Refusal {
  readonly status: 400 | 401 | 404 | 405 | 503;
  readonly detail: string;
}

/** How long a cache may keep a file: the names of segments are never used twice. */
const CACHE = { playlist: 'no-cache', file: 'private, max-age=3600, immutable' };

/**
 * Answers with playlists and segments, on the loopback interface, to the node alone, which knows who may play. `token`
 * keeps other programs of the machine out.
 */
export class HlsServer {
  readonly #channels: HlsChannels;
  readonly #token: () => string | undefined;
  readonly #server: Server;

  /** @param token undefined: not known yet, nobody is let in */
  constructor(channels: HlsChannels, token: () => string | undefined) {
    this.#channels = channels;
    this.#token = token;
    this.#server = createServer({ maxHeaderSize: HEADER_BYTES }, (request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @returns the port */
  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host: '127.0.0.1' }, resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = this.#token();
    const { authorization = '' } = request.headers;
    if (token === undefined || !timingSafeEqual(digest(authorization), digest(`Bearer ${token}`))) {
      refuse(response, { status: 401, detail: 'Only the node may ask' });
      return;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      refuse(response, { status: 405, detail: 'GET or HEAD' });
      return;
    }
    const { channel, name, query } = target(request.url ?? '');
    const found = channel === undefined ? undefined : this.#channels.find(channel);
    if (found === undefined || name === undefined) {
      refuse(response, { status: 404, detail: 'No stream of this name is packaged' });
      return;
    }
    const answer = name.endsWith('.m3u8') ? await playlistOf(found, name, query) : await fileOf(found, name);
    if (response.destroyed) return;
    if (!Buffer.isBuffer(answer)) {
      refuse(response, answer);
      return;
    }
    const type = contentTypeOf(name);
    response.writeHead(200, {
      'content-type': type,
      'content-length': answer.length,
      'cache-control': type === PLAYLIST_TYPE ? CACHE.playlist : CACHE.file,
    });
    response.end(request.method === 'HEAD' ? undefined : answer);
  }
}

async function playlistOf(channel: HlsChannel, name: string, query: URLSearchParams): Promise<Buffer | Refusal> {
  const withinMs = WAIT_TARGETS * channel.targetSeconds * 1000;
  if (name === MULTIVARIANT) {
    // A stream that has just begun has its first playlist in a moment.
    await channel.until(() => channel.multivariant !== '' || channel.isEnded, withinMs);
    if (channel.multivariant !== '') return Buffer.from(channel.multivariant);
    return { status: 503, detail: 'The stream has begun, and its first segment is not complete' };
  }
  if (name !== MEDIA_PLAYLIST) return (await channel.store?.read(name)) ?? NO_FILE;
  const msn = numberIn(query, '_HLS_msn');
  const part = numberIn(query, '_HLS_part');
  if (Number.isNaN(msn) || Number.isNaN(part) || (part !== undefined && msn === undefined)) {
    return { status: 400, detail: '_HLS_msn and _HLS_part are numbers, and the latter needs the former' };
  }
  if (msn !== undefined && !channel.isEnded) {
    if (msn > channel.position.next + MAX_AHEAD) return { status: 400, detail: '_HLS_msn is too far ahead' };
    if (!(await channel.until(() => channel.isEnded || isThere(channel, msn, part), withinMs))) {
      return { status: 503, detail: 'The stream does not go on at present' };
    }
  }
  return channel.playlist === '' ? NO_FILE : Buffer.from(channel.playlist);
}

function isThere({ position }: HlsChannel, msn: number, part: number | undefined): boolean {
  const { next, parts, lastParts } = position;
  // A part behind the last one of a segment is the first one of the next segment (RFC 8216bis section 6.2.5.2).
  if (msn === next - 1 && part !== undefined && lastParts > 0 && part >= lastParts) return parts > 0;
  return msn < next || (msn === next && part !== undefined && part < parts);
}

async function fileOf(channel: HlsChannel, name: string): Promise<Buffer | Refusal> {
  if (name === channel.nextPart && channel.file(name) === undefined) {
    const withinMs = WAIT_TARGETS * channel.targetSeconds * 1000;
    await channel.until(() => channel.isEnded || channel.file(name) !== undefined, withinMs);
  }
  return channel.file(name) ?? (await channel.store?.read(name)) ?? NO_FILE;
}

const NO_FILE: Refusal = { status: 404, detail: 'No such file, or not any more' };

function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  return text === null ? undefined : /^\d{1,15}$/.test(text) ? Number(text) : NaN;
}

function target(url: string): { channel?: string; name?: string; query: URLSearchParams } {
  const [, path = '', search = ''] = /^([^?#]*)(?:\?([^#]*))?/.exec(url) ?? [];
  const query = new URLSearchParams(search);
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  if (!path.startsWith(PREFIX) || slash <= PREFIX.length || !FILE_NAME.test(name)) return { query };
  try {
    return { channel: decodeURIComponent(path.slice(PREFIX.length, slash)), name, query };
  } catch {
    return { query }; // a `%` that encodes nothing
  }
}

/** Of equal length, so that comparing them takes the same time whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Problem details (RFC 9457), as the node's API has them. */
function refuse(response: ServerResponse, { status, detail }: Refusal): void {
  const body = `${JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail })}\n`;
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(status === 503 && { 'retry-after': '1' }),
  });
  response.end(body);
}
