import { randomBytes } from 'node:crypto';
import { answerDigest } from './digest-handshake';
import { HandshakeInput, PACKET_BYTES, RTMP_VERSION } from './handshake-input';

/**
 * The server's side of the handshake (RTMP 1.0, 5.2), plain or with digests, as the client wants it.
 *
 * The answer does not wait for C2, and the contents of C2 are not checked: encoders disagree about them, and a public
 * key proves nothing. Keeps at most C1 in memory, and nothing once the answer is taken.
 */
export class ServerHandshake {
  readonly #input = new HandshakeInput();
  readonly #random: (bytes: number) => Buffer;
  #reply: Buffer | undefined;

  constructor(random: (bytes: number) => Buffer = randomBytes) {
    this.#random = random;
  }

  /** Whether C2 has come: RTMP chunks follow. */
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
    const c1 = this.#input.takePacket();
    if (c1) this.#reply = this.#answer(c1);
    return consumed;
  }

  /** S0, S1 and S2, once, as soon as C0 and C1 have come. */
  takeReply(): Buffer | undefined {
    const reply = this.#reply;
    this.#reply = undefined;
    return reply;
  }

  #answer(c1: Buffer): Buffer {
    const { s1, s2 } = answerDigest(c1, this.#random) ?? { s1: this.#plainS1(), s2: c1 };
    return Buffer.concat([Buffer.from([RTMP_VERSION]), s1, s2]);
  }

  /** Time and version zero, then random bytes. */
  #plainS1(): Buffer {
    return Buffer.concat([Buffer.alloc(8), this.#random(PACKET_BYTES - 8)]);
  }
}
