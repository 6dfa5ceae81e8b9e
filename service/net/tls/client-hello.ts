import type { Socket } from 'node:net';
import { readAhead } from '../gate/read-ahead';

const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
/** The longest that is waited for; longer ones, which nobody sends, are left to TLS. */
const MAX_HELLO_BYTES = 16 * 1024;

/**
 * Whether the bytes hold all of a ClientHello (RFC 8446, 4 and 5.1), which may come in several records, or are something
 * else, which TLS refuses at once. While this is false, there is nothing to do for a server.
 */
export function holdsClientHello(bytes: Buffer): boolean {
  let message = 0;
  let needed = MESSAGE_HEADER_BYTES;
  for (let at = 0; message < needed;) {
    if (bytes.length > MAX_HELLO_BYTES) return true;
    if (bytes.length > at && bytes[at] !== HANDSHAKE_RECORD) return true;
    if (bytes.length < at + RECORD_HEADER_BYTES) return false;
    const start = at + RECORD_HEADER_BYTES;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0) return true;
    if (message === 0 && bytes.length > start && bytes[start] !== CLIENT_HELLO) return true;
    if (bytes.length < start + length) return false;
    // A first record of less than the message's header is odd: TLS decides.
    if (message === 0 && length < MESSAGE_HEADER_BYTES) return true;
    if (message === 0) needed += bytes.readUIntBE(start + 1, 3);
    message += length;
    at = start + length;
  }
  return true;
}

/**
 * Calls back when a ClientHello has come, while it and all later bytes are still to be read.
 *
 * @param socket paused; the caller closes it when no hello comes in time
 */
export function whenHelloHasCome(socket: Socket, ready: () => void): void {
  readAhead(socket, (received) => (holdsClientHello(received) ? 0 : undefined), ready);
}
