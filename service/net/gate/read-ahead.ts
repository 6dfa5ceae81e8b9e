import type { Socket } from 'node:net';

/**
 * Looks at the first bytes of a connection until `used` says how many of them are not for who reads next, 0 included;
 * undefined: more have to come. Then the connection is paused, its other bytes are still to be read, and `ready` is
 * called. A connection that ends before is closed. `over` is called in any case, before `ready`.
 *
 * @param socket paused; the caller closes it when too little comes in time
 */
export function readAhead(
  socket: Socket,
  used: (received: Buffer) => number | undefined,
  ready: () => void,
  over: () => void = () => undefined,
): void {
  let received: Buffer = Buffer.alloc(0);
  const done = (): void => {
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('close', done);
    over();
  };
  const onEnd = (): void => void socket.destroy();
  const onData = (bytes: Buffer): void => {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    const length = used(received);
    if (length === undefined) return;
    done();
    socket.pause();
    const rest = received.subarray(length);
    if (rest.length > 0) socket.unshift(rest);
    ready();
  };
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.on('close', done);
  socket.resume();
}
