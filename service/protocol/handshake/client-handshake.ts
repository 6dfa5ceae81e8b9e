import { randomBytes } from 'node:crypto';
import { HandshakeInput, PACKET_BYTES, RTMP_VERSION } from './handshake-input';

/** The client's side of the plain handshake (RTMP 1.0, 5.2), for connections from one node to another. */
export class ClientHandshake {
  /** C0 and C1, to be sent first. */
  readonly request: Buffer;

  readonly #input = new HandshakeInput();
  #c2: Buffer | undefined;

  constructor(random: (bytes: number) => Buffer = randomBytes) {
    this.request = Buffer.concat([Buffer.from([RTMP_VERSION]), Buffer.alloc(8), random(PACKET_BYTES - 8)]);
  }

  /** Whether S2 has come: RTMP chunks follow. C2 must be sent before the first chunk. */
  get done(): boolean {
    return this.#input.done;
  }

  /**
   * Feeds `buf[start..end)` and returns how many of these bytes belong to the handshake. Nothing of `buf` is kept.
   *
   * @throws {ProtocolError} `bad_version`, at the first byte.
   */
  read(buf: Buffer, start: number, end: number): number {
    const consumed = this.#input.read(buf, start, end);
    this.#c2 ??= this.#input.takePacket();
    return consumed;
  }

  /** C2, the echo of S1, once, as soon as S0 and S1 have come. */
  takeReply(): Buffer | undefined {
    const c2 = this.#c2;
    this.#c2 = undefined;
    return c2;
  }
}
