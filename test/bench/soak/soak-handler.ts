import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Accepts every publisher, has the chosen channels written out, and counts starts that have no stop yet. */
export class SoakHandler {
  starts = 0;
  /** Stops of no start that is open. */
  unmatched = 0;
  readonly #open = new Set<string>();
  readonly #server: Server;

  private constructor(outputs: Readonly<Record<string, Readonly<Record<string, string>>>>) {
    this.#server = createServer((request, response) => {
      request.resume();
      const [, payload = ''] = String(request.headers['rtmp-event']).split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, string>;
      const { event, channel = '', jti = '', start_jti: startJti = '' } = claims;
      if (event === 'start') {
        if (!this.#open.has(jti)) this.starts += 1;
        this.#open.add(jti);
        response.writeHead(200, { 'stream-id': jti, ...outputs[channel] });
      } else {
        if (!this.#open.delete(startJti)) this.unmatched += 1;
        response.writeHead(200);
      }
      response.end();
    });
  }

  static async start(outputs: Readonly<Record<string, Readonly<Record<string, string>>>>): Promise<SoakHandler> {
    const handler = new SoakHandler(outputs);
    await new Promise<void>((resolve) => handler.#server.listen(0, '127.0.0.1', resolve));
    return handler;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Starts without a stop. */
  get open(): number {
    return this.#open.size;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
