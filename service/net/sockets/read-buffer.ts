/**
 * All plain sockets read into this one buffer: a read is looked at whole before the next one begins. Paced publishers
 * bring 100 ms of media at a time, 50 KB at 4 Mbps.
 */
export const READ_BUFFER = Buffer.allocUnsafeSlow(128 * 1024);
