import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** A TCP proxy on loopback that forwards bytes, in both directions, in writes of one size. */
export class RecuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The port on 127.0.0.1 that connections are forwarded to. */
  target = 0;
  /** The size of the writes. */
  pieceBytes = 1;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<RecuttingProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const proxy = new RecuttingProxy(server);
    server.on('connection', (socket) => proxy.#serve(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(client: Socket): void {
    const upstream = connect({ host: '127.0.0.1', port: this.target, noDelay: true, allowHalfOpen: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(from);
      from.once('close', () => this.#sockets.delete(from));
      from.on('error', () => to.destroy());
      void this.#passOn(from, to);
    }
  }

  async #passOn(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const bytes of from as AsyncIterable<Buffer>) {
        for (let at = 0; at < bytes.length; at += this.pieceBytes) {
          await written(to, bytes.subarray(at, at + this.pieceBytes));
        }
      }
      to.end();
    } catch {
      // One side has closed: bytes in transit to it have no receiver.
      to.destroy();
    }
  }
}

/** Each piece waits until the one before it is in the kernel: Node would join them otherwise. */
function written(socket: Socket, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(piece, (error) => (error ? reject(error) : resolve()));
  });
}
