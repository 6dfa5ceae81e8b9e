import { EventEmitter, once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { NodeAddress } from '../../../service/leases/life-store';
import { ChunkBuilder, command, MessageType } from '../../support/rtmp/wire-builder';
import { ChunkDecoder } from '../../support/rtmp/wire-reader';

const HANDSHAKE_BYTES = 1536;

/** A relay's connection to the owner. */
export interface RelaySeen {
  readonly isOpen: boolean;
  video(timestamp: number, payload: Buffer): void;
  audio(timestamp: number, payload: Buffer): void;
  /** The stream has ended. */
  unpublish(): void;
  /** Cuts the connection. */
  cut(): void;
}

/** A node that has a stream, as relays see it: what it sends to each of them is the test's choice. */
export class FakeOwner {
  readonly relays: RelaySeen[] = [];
  readonly #events = new EventEmitter();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(
    readonly id: string,
    server: Server,
  ) {
    this.#server = server;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async start(id: string): Promise<FakeOwner> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeOwner(id, server);
  }

  get address(): NodeAddress {
    const { port } = this.#server.address() as AddressInfo;
    const { id } = this;
    return { id, incarnation: `run of ${id}`, host: '127.0.0.1', port, proxyHeader: false, draining: false };
  }

  /** Resolves when so many relays have asked for the stream, or have gone. */
  async has(count: number): Promise<void> {
    while (this.relays.filter(({ isOpen }) => isOpen).length !== count) await once(this.#events, 'changed');
  }

  /** The stream's next frame, for all relays. */
  video(timestamp: number, payload: Buffer): void {
    for (const relay of this.relays) if (relay.isOpen) relay.video(timestamp, payload);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const [chunks, decoder] = [new ChunkBuilder(), new ChunkDecoder()];
    const relay = {
      isOpen: true,
      video: (timestamp: number, payload: Buffer): void =>
        void socket.write(chunks.message({ type: MessageType.video, streamId: 1, timestamp, payload })),
      audio: (timestamp: number, payload: Buffer): void =>
        void socket.write(chunks.message({ type: MessageType.audio, streamId: 1, timestamp, payload })),
      unpublish: (): void => {
        const info = { level: 'status', code: 'NetStream.Play.UnpublishNotify', description: '' };
        socket.write(chunks.message(command('onStatus', 0, [null, info], 1)));
      },
      cut: (): void => void socket.destroy(),
    };
    let handshake = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      relay.isOpen = false;
      this.#events.emit('changed');
    });
    socket.on('data', (bytes: Buffer) => {
      const before = handshake.length;
      const isDone = before === 1 + 2 * HANDSHAKE_BYTES;
      handshake = isDone ? handshake : Buffer.concat([handshake, bytes]);
      if (before <= HANDSHAKE_BYTES && handshake.length > HANDSHAKE_BYTES) {
        const echo = handshake.subarray(1, 1 + HANDSHAKE_BYTES);
        socket.write(Buffer.concat([Buffer.of(3), Buffer.alloc(HANDSHAKE_BYTES, 1), echo]));
      }
      const rest = isDone ? bytes : handshake.subarray(1 + 2 * HANDSHAKE_BYTES);
      if (!isDone) handshake = handshake.subarray(0, 1 + 2 * HANDSHAKE_BYTES);
      for (const message of decoder.push(rest)) {
        if (message.command?.name !== 'play') continue;
        this.relays.push(relay);
        this.#events.emit('changed');
      }
    });
  }
}
