import type { ServerResponse } from 'node:http';

/** A client with this much unread (bytes) is disconnected; it can come back with the id of its last event. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export interface EventClientOptions {
  readonly response: ServerResponse;
  /** undefined: all channels. */
  readonly channel: string | undefined;
  readonly figures: boolean;
}

/** A client of the event stream. Bytes are written as they are given, so that all clients can share them. */
export class EventClient {
  readonly channel: string | undefined;
  readonly figures: boolean;
  readonly #response: ServerResponse;

  constructor({ response, channel, figures }: EventClientOptions) {
    this.channel = channel;
    this.figures = figures;
    this.#response = response;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // A proxy must not collect events.
      'x-accel-buffering': 'no',
    });
    // The headers go out now, not with the first event.
    response.write('retry: 2000\n\n');
  }

  /** Whether the client has read everything so far. */
  get isIdle(): boolean {
    return this.#response.writableLength === 0;
  }

  send(bytes: Buffer): void {
    if (this.#response.writableLength + bytes.length > MAX_UNREAD_BYTES) this.#response.destroy();
    else this.#response.write(bytes);
  }

  end(): void {
    this.#response.end();
  }
}

/** One message of the event stream. */
export function encodeEvent(name: string, data: unknown, id?: string): Buffer {
  const head = id === undefined ? '' : `id: ${id}\n`;
  return Buffer.from(`${head}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}
