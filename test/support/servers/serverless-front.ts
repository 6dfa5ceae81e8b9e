import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** The server behind this front has TIME under this name only, so that scripts cannot call it. */
export const TIME_OF_CLIENTS = 'time-of-clients';

/**
 * Makes a redis-server look like ElastiCache Serverless where no setting of redis-server can: TIME works for clients
 * though not for scripts, and PUBLISH counts receivers of one node only, here none of them.
 */
export class ServerlessFront {
  readonly #sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(port: number, behind: number): Promise<ServerlessFront> {
    const server = createServer({ noDelay: true });
    const front = new ServerlessFront(server);
    server.on('connection', (client) => front.#connect(client, behind));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return front;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.server, 'close');
  }

  #connect(client: Socket, behind: number): void {
    const server = connect({ port: behind, host: '127.0.0.1', noDelay: true });
    /** Whether each request in progress is a PUBLISH; undefined when there are messages between the answers. */
    let isPublish: boolean[] | undefined = [];
    const requests = new Frames((frame) => {
      const name = commandName(frame);
      if (name.endsWith('subscribe')) isPublish = undefined;
      isPublish?.push(name === 'publish');
      server.write(name === 'time' ? encode(TIME_OF_CLIENTS) : frame);
    });
    const answers = new Frames((frame) => {
      const counts = isPublish?.shift() === true && frame.toString('latin1', 0, 1) === ':';
      client.write(counts ? ':0\r\n' : frame);
    });
    client.on('data', (bytes: Buffer) => requests.add(bytes));
    server.on('data', (bytes: Buffer) => answers.add(bytes));
    this.#tie(client, server);
    this.#tie(server, client);
  }

  /** Closes each socket when the other closes. */
  #tie(socket: Socket, other: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('end', () => other.end());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      other.destroySoon();
    });
  }
}

/** Cuts a stream of RESP2 into whole requests or answers. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);

  constructor(private readonly take: (frame: Buffer) => void) {}

  add(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const end = frameEnd(this.#rest, 0);
      if (end === undefined) return;
      this.take(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** The end of the value that begins at `at`; undefined when it is incomplete. */
function frameEnd(buffer: Buffer, at: number): number | undefined {
  const lineEnd = buffer.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const count = Number(buffer.toString('latin1', at + 1, lineEnd));
  let end = lineEnd + 2;
  switch (buffer.toString('latin1', at, at + 1)) {
    case '$':
      if (count >= 0) end += count + 2;
      return end <= buffer.length ? end : undefined;
    case '*':
      for (let i = 0; i < count; i += 1) {
        const next = frameEnd(buffer, end);
        if (next === undefined) return undefined;
        end = next;
      }
      return end;
    default:
      return end;
  }
}

/** The first word of a request, in lower case. */
function commandName(frame: Buffer): string {
  return frame.toString('latin1').split('\r\n', 3)[2]?.toLowerCase() ?? '';
}

function encode(word: string): string {
  return `*1\r\n$${word.length}\r\n${word}\r\n`;
}
