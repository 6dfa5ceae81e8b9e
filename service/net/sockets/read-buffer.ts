/**
 * All sockets read into this one buffer: each read is processed completely before the next begins. A read from a
 * paced publisher holds 100 ms of media, 50 KB at 4 Mbps.
 */
export const READ_BUFFER = Buffer.allocUnsafeSlow(128 * 1024);

/**
 * Reads from TLS sockets, before they are decrypted into the one above. Smaller, because a client can fill it with almost
 * three thousand records of one byte, which are all processed before another connection is served.
 */
export const ENCRYPTED_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);
