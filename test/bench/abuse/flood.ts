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
  /** Pause between two writes (ms). Default: none. */
  readonly pauseMs?: number;
  /** Bytes of a write. Default: all of them. */
  readonly bytesAtATime?: number;
  /** The address that each connection comes from. Default: the attacker's. */
  readonly from?: () => string;
  readonly port?: number;
}

/** Pause before a refused or lost connection is retried (ms): short, as an attacker would. */
const AGAIN_MS = 5;
/** Writes of single bytes before other connections of the attacker get their turn. */
const SMALL_WRITES = 64;

/** Floods until the attack is over. */
export async function flood(context: AttackContext, options: Flood): Promise<void> {
  await lanes(options.connections, async () => {
    while (context.goesOn()) {
      await floodOnce(context, options);
      await pause(AGAIN_MS);
    }
  });
}

function floodOnce(context: AttackContext, options: Flood): Promise<void> {
  const { opening, repeated, reads, maxBytes = Infinity, pauseMs, from, port } = options;
  const { bytesAtATime = repeated.length } = options;
  return new Promise((resolve) => {
    const socket = open(context, { port, from: from?.() });
    let sent = 0;
    let at = 0;
    let again: NodeJS.Timeout | NodeJS.Immediate | undefined;
    const end = (): void => {
      clearInterval(watch);
      if (again !== undefined) clearTimeout(again as NodeJS.Timeout);
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
    const next = (): boolean => {
      const part = repeated.subarray(at, at + bytesAtATime);
      at = (at + bytesAtATime) % repeated.length;
      return write(part);
    };
    const more = (): void => {
      for (let writes = 0; !socket.destroyed && context.goesOn() && sent < maxBytes; writes += 1) {
        if (repeated.length === 0) return;
        if (!next()) return;
        if (pauseMs !== undefined) {
          again = setTimeout(more, pauseMs);
          return;
        }
        if (bytesAtATime < repeated.length && writes === SMALL_WRITES) {
          setImmediate(more);
          return;
        }
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

/** Opens connections, sends the opening and resets them after `lifeMs`, as many as can be. */
export async function churn(
  context: AttackContext,
  opening: Buffer,
  from?: () => string,
  lifeMs = 2,
  port = context.port,
): Promise<void> {
  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = open(context, { port, from: from?.() });
      socket.on('error', () => undefined).on('close', () => resolve());
      socket.once('connect', () => {
        const bytes = Buffer.concat([Buffer.from(context.preambleHex, 'hex'), opening]);
        context.spent.bytes += bytes.length;
        socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), lifeMs));
      });
    });
  await lanes(from === undefined ? 4 : 64, async () => {
    while (context.goesOn()) await once();
  });
}

export interface Silence {
  readonly port?: number;
  readonly from?: () => string;
  /** Sent before the first bytes. Default: the attacker's PROXY header. */
  readonly preamble?: () => Buffer;
}

/** Keeps `count` connections open that send the same first bytes and then nothing; those that end are opened again. */
export async function silent(
  context: AttackContext,
  count: number,
  first: Buffer,
  options: Silence = {},
): Promise<void> {
  const { port, from, preamble = () => Buffer.from(context.preambleHex, 'hex') } = options;
  const sockets = new Set<Socket>();
  while (context.goesOn()) {
    for (let i = 0; i < 50 && sockets.size < count; i += 1) {
      const socket = open(context, { port, from: from?.() });
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      const bytes = Buffer.concat([preamble(), first]);
      context.spent.bytes += bytes.length;
      if (bytes.length > 0) socket.write(bytes);
    }
    await pause(5);
  }
  for (const socket of sockets) socket.destroy();
}

/** Opens a connection and counts it. */
export function open(
  { host, port, localAddress, spent }: AttackContext,
  to: { readonly port?: number | undefined; readonly from?: string | undefined } = {},
): Socket {
  spent.connections += 1;
  const from = to.from ?? localAddress;
  // The server listens on both families: whoever comes from an IPv6 address goes to one.
  return connect({ host: from.includes(':') ? '::1' : host, port: to.port ?? port, localAddress: from, noDelay: true });
}

/** Runs the same thing `count` times at once. */
export async function lanes(count: number, run: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => run(index)));
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
