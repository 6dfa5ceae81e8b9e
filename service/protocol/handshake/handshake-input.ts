import { protocolOf } from '../first-bytes';
import { ProtocolError } from '../protocol-errors';

/** The version of plain RTMP. RTMPE would be 6, and text protocols start with a letter. */
export const RTMP_VERSION = 3;

/** The size of C1, S1, C2 and S2 (RTMP 1.0, 5.2.3 and 5.2.4). */
export const PACKET_BYTES = 1536;

const VERSION_BYTES = 1;
const FIRST_PACKET_END = VERSION_BYTES + PACKET_BYTES;
const SECOND_PACKET_END = FIRST_PACKET_END + PACKET_BYTES;

/**
 * Reads one side's part of the handshake from a byte stream: the version, the first packet, which is kept until it is
 * taken, and the second packet, whose bytes are only counted.
 */
export class HandshakeInput {
  #consumed = 0;
  #packet: Buffer | undefined;

  get done(): boolean {
    return this.#consumed === SECOND_PACKET_END;
  }

  /**
   * Feeds `buf[start..end)` and returns how many of these bytes belong to the handshake.
   *
   * @throws {ProtocolError} `bad_version`, at the first byte.
   */
  read(buf: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#consumed < VERSION_BYTES && at < end) {
      const version = buf.readUInt8(at++);
      if (version !== RTMP_VERSION) throw new ProtocolError('bad_version', describe(version, buf.subarray(start, end)));
      this.#consumed = VERSION_BYTES;
    }
    if (this.#consumed < FIRST_PACKET_END && at < end) {
      this.#packet ??= Buffer.allocUnsafe(PACKET_BYTES);
      const copied = buf.copy(this.#packet, this.#consumed - VERSION_BYTES, at, end);
      this.#consumed += copied;
      at += copied;
    }
    if (this.#consumed >= FIRST_PACKET_END) {
      const counted = Math.min(end - at, SECOND_PACKET_END - this.#consumed);
      this.#consumed += counted;
      at += counted;
    }
    return at - start;
  }

  /** The first packet, once, when it is complete. */
  takePacket(): Buffer | undefined {
    if (this.#consumed < FIRST_PACKET_END) return undefined;
    const packet = this.#packet;
    this.#packet = undefined;
    return packet;
  }
}

/** Describes a peer that does not speak plain RTMP by its first bytes. */
function describe(version: number, bytes: Buffer): string {
  const spoken = protocolOf(bytes);
  if (spoken === undefined) return `RTMP version ${version}`;
  return `RTMP version ${version}: this is ${spoken}${spoken === 'TLS' ? ', to be sent to the RTMPS port' : ''}`;
}
