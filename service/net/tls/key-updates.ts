import type { TLSSocket } from 'node:tls';

/** How many secrets a connection may make without sending data, and one more for each so many bytes that it sends. */
const SECRETS = 128;
const BYTES_PER_SECRET = 32 * 1024;

/**
 * Ends a connection whose client changes its TLS 1.3 key again and again. Each change costs as much as decrypting 30 KB,
 * arrives in a record of 27 bytes that carries nothing, and causes no event but `keylog`, which reports new secrets.
 * Honest clients change their key after some million records, if at all.
 *
 * @param receivedBytes how much the client has sent, decrypted
 * @param ended called afterwards: the connection is closed at once, since nothing may be sent while TLS changes its keys
 */
export function limitKeyUpdates(socket: TLSSocket, receivedBytes: () => number, ended: () => void): void {
  let secrets = 0;
  socket.on('keylog', () => {
    secrets += 1;
    if (socket.destroyed || secrets <= SECRETS + receivedBytes() / BYTES_PER_SECRET) return;
    socket.destroy();
    setImmediate(ended);
  });
}
