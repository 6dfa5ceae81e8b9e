import type { AddressInfo } from 'node:net';
import type { Logger } from '../../logging/logger';
import { silentLogger } from '../../logging/silent-logger';
import { TrafficCounters } from '../../metrics/traffic-counters';
import { closedContext } from '../../session/closed-context';
import type { Session } from '../../session/session';
import type { SessionContext } from '../../session/session-context';
import type { Batching } from '../batching/batching';
import { ConnectionIntake } from '../connection-intake';
import { openGate } from '../gate/connection-gate';
import type { IoPath } from '../sockets/io-path';
import type { ProxyProtocolMode } from '../proxy/proxy-protocol';
import { ProxyStage } from '../proxy/proxy-stage';
import { TestConnections, type TestAnnouncer } from './test-connections';
import { chooseTestPort, PORT_TAKEN, shakeHandsOnce, type TestTarget } from './test-handshake';
import type { TestRoute } from '../rtmp-listener';

export interface ListenerTestOptions {
  /** The context of clients' sessions. Sessions of test connections use a copy without log and metrics. */
  readonly context: SessionContext;
  readonly batching: Batching;
  readonly ioPath: IoPath;
  readonly proxy: ProxyProtocolMode | undefined;
  readonly log: Logger;
  /** How many processes share the listeners, and how they tell each other of test connections; default: this one. */
  readonly processes?: number;
  readonly announcer?: TestAnnouncer | undefined;
  readonly timing?: Partial<ListenerTestTiming>;
}

export interface ListenerTestTiming {
  /** Pause after a round that passed (ms). */
  readonly periodMs: number;
  /** Pause after a round that failed (ms). */
  readonly retryMs: number;
  /** Time limit of one connection (ms). */
  readonly connectionMs: number;
  /** Time limit of a listener's round, after which no further connection is made (ms). */
  readonly roundMs: number;
}

const DEFAULT_TIMING: ListenerTestTiming = { periodMs: 30_000, retryMs: 1_000, connectionMs: 2_000, roundMs: 4_000 };
/** Most connections of a round, for a single process; with several, another process may get the connection. */
const ATTEMPTS = 3;
/** Local ports that are tried for one connection: on a busy machine many are taken. */
const PORTS = 10;
/** The server's side notices the end of a connection a moment after the client's (ms). */
const NOTICED_MS = 20;
/** With several processes, a process that has served a test connection within this time (ms) passes without another. */
const SERVED_LATELY_MS = 300_000;

/** PROXY headers for a connection of the proxy itself: LOCAL in version 2, UNKNOWN is the nearest in version 1. */
const LOCAL_HEADER = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
const UNKNOWN_HEADER = Buffer.from('PROXY UNKNOWN\r\n', 'latin1');

interface TestedListener {
  readonly name: string;
  readonly targets: readonly TestTarget[];
  /** When this process last served a test connection to the listener (ms). */
  servedAt: number;
}

/**
 * Tests whether clients are served: connects to the node's own listeners as a client does and performs the handshake,
 * at the start and at intervals. With several workers, any of them may get a connection; a worker passes when it has
 * served a test connection, no matter which worker made it.
 */
export class ListenerTest {
  readonly #options: ListenerTestOptions;
  readonly #timing: ListenerTestTiming;
  readonly #connections: TestConnections;
  readonly #listeners: TestedListener[] = [];
  #fault: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ListenerTestOptions) {
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#connections = new TestConnections(() => options.context.now());
    options.announcer?.onAnnounced((localPort) => this.#connections.expect(localPort));
  }

  /** Why the last round failed; undefined when it passed. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** The route of test connections through a listener, and the function to call with the listener's address. */
  route(
    name: string,
    secure: boolean,
  ): { readonly route: TestRoute; readonly listensAt: (address: AddressInfo) => void } {
    const { context, batching, ioPath, proxy } = this.#options;
    let listener: TestedListener | undefined;
    const deadlines = new Map<Session, NodeJS.Timeout>();
    const intake = new ConnectionIntake({
      context: quiet(context),
      sessions: {
        nextId: () => 0,
        // The registry of clients' sessions, which looks after their deadlines, does not know them.
        add: (session) => {
          const end = (): void => session.fail('handshake_timeout', 'a test connection that did not close');
          deadlines.set(session, setTimeout(end, 2 * this.#timing.connectionMs).unref());
        },
        delete: (session) => {
          clearTimeout(deadlines.get(session));
          deadlines.delete(session);
          // The client sends the last packet of its handshake, C2, when it has all of the server's.
          if (session.state.phase === 'connecting' && listener !== undefined) listener.servedAt = context.now();
        },
      },
      batching,
      ioPath,
    });
    const trusted = { allows: () => true };
    const stage = proxy && new ProxyStage({ mode: proxy, trusted, log: silentLogger, rejected: () => undefined });
    return {
      route: { claims: (socket) => this.#connections.claim(socket), gate: openGate(), intake, proxy: stage },
      listensAt: ({ address, port }) => {
        const proxyHeader = proxyHeaderFor(proxy);
        const targets = hostsOf(address).map((host) => ({ host, port, secure, proxyHeader }));
        listener = { name, targets, servedAt: -Infinity };
        this.#listeners.push(listener);
      },
    };
  }

  /** Tests all listeners now, for a few seconds at most, and again at intervals until `close`. */
  async start(): Promise<void> {
    await this.#round();
    if (this.#closed) return;
    const { periodMs, retryMs } = this.#timing;
    this.#timer = setTimeout(() => void this.start(), this.#fault === undefined ? periodMs : retryMs).unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    const faults = await Promise.all(this.#listeners.map((listener) => this.#test(listener)));
    if (this.#closed) return;
    const before = this.#fault;
    this.#fault = faults.find((fault) => fault !== undefined);
    const { log } = this.#options;
    if (this.#fault === undefined && before !== undefined) log.info('test connections are answered again');
    else if (this.#fault !== undefined && before === undefined) log.error(`not ready: ${this.#fault}`);
  }

  async #test(listener: TestedListener): Promise<string | undefined> {
    const { context, processes = 1 } = this.#options;
    const now = (): number => context.now();
    const since = now();
    const attempts = processes > 1 ? ATTEMPTS * (processes + 1) : ATTEMPTS;
    let failure: string | undefined;
    for (let i = 0; i < attempts && now() - since < this.#timing.roundMs && !this.#closed; i += 1) {
      const fault = await this.#attempt(listener.targets[i % listener.targets.length]!);
      failure = fault ?? failure;
      if (fault === undefined && listener.servedAt < since) await new Promise((wake) => setTimeout(wake, NOTICED_MS));
      if (listener.servedAt >= since) return undefined;
    }
    if (failure !== undefined) return `${listener.name} does not answer a test connection: ${failure}`;
    if (processes > 1 && now() - listener.servedAt < SERVED_LATELY_MS) return undefined;
    return `no test connection to ${listener.name} came to this process`;
  }

  async #attempt(target: TestTarget): Promise<string | undefined> {
    let fault: string | undefined = PORT_TAKEN;
    for (let port = 0; port < PORTS && fault === PORT_TAKEN && !this.#closed; port += 1) {
      const localPort = chooseTestPort();
      this.#connections.expect(localPort);
      await this.#options.announcer?.announce(localPort);
      fault = await shakeHandsOnce(target, localPort, this.#timing.connectionMs);
    }
    return fault;
  }
}

/** The context of clients' sessions without log and metrics, for sessions that only perform the handshake. */
function quiet(context: SessionContext): SessionContext {
  const { verifyRelay: _relays, ...others } = closedContext(context, 'This is a test connection');
  return {
    ...others,
    log: silentLogger,
    tracer: undefined,
    traffic: new TrafficCounters(),
    sessionClosed: () => undefined,
  };
}

function proxyHeaderFor(mode: ProxyProtocolMode | undefined): Buffer {
  if (mode === undefined) return Buffer.alloc(0);
  return mode === 'v1' ? UNKNOWN_HEADER : LOCAL_HEADER;
}

/** Where a listener is reached from its own machine. */
function hostsOf(address: string): readonly string[] {
  if (address === '0.0.0.0') return ['127.0.0.1'];
  return address === '::' ? ['127.0.0.1', '::1'] : [address];
}
