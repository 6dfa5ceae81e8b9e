/**
 * All plain sockets read into this one buffer: each read is processed completely before the next begins. A read from a
 * paced publisher holds 100 ms of media, 50 KB at 4 Mbps.
 */
export const READ_BUFFER = Buffer.allocUnsafeSlow(128 * 1024);
