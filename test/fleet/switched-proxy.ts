import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** A TCP proxy whose target can be changed or taken away, as the address of a cache does when it fails over. */
export class SwitchedProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: number | undefined;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.#target = target;
  }

  static async start(targetPort: number, host = '127.0.0.1'): Promise<SwitchedProxy> {
    const server = createServer();
    const proxy = new SwitchedProxy(server, targetPort);
    server.on('connection', (socket) => proxy.#serve(socket));
    server.listen(0, host);
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections go to the other port; those that are open stay. */
  redirect(targetPort: number): void {
    this.#target = targetPort;
  }

  /** Cuts all connections; new ones go to the other port, or are cut at once when there is none. */
  switchTo(targetPort: number | undefined): void {
    this.#target = targetPort;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.switchTo(undefined);
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#target === undefined) {
      client.destroy();
      return;
    }
    const upstream = connect(this.#target, '127.0.0.1');
    upstream.on('error', () => undefined);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(one);
      one.pipe(other);
      one.once('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}
