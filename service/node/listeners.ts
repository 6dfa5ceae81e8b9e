import type { AddressInfo } from 'node:net';
import { OperatorError } from '../errors/operator-error';
import type { Place } from '../config/listening-places';
import type { ServiceConfig } from '../config/service-config';
import type { Logger } from '../logging/logger';
import type { Batching } from '../net/batching/batching';
import { ConnectionIntake } from '../net/connection-intake';
import { ConnectionGate, openGate } from '../net/gate/connection-gate';
import type { ConnectionPlaces } from '../net/gate/connection-limits';
import { maxConnections } from '../net/gate/max-connections';
import { openConnectionLimits } from '../net/gate/open-connection-limits';
import { describeListenError } from '../net/listen-error';
import { ProxyStage } from '../net/proxy/proxy-stage';
import { RtmpListener } from '../net/rtmp-listener';
import { ListenerTest } from '../net/self-test/listener-test';
import type { TestAnnouncer } from '../net/self-test/test-connections';
import type { IoPath } from '../net/sockets/io-path';
import type { TlsTermination } from '../net/tls/tls-termination';
import { closedContext } from '../session/closed-context';
import type { SessionContext } from '../session/session-context';
import type { OpenSessions } from '../session/open-sessions';

/** Most connections at a time that have not published or played yet; limits the memory that they take. */
const MAX_UNPROVEN_CONNECTIONS = 4096;
/** The same of those that only other nodes' relays may have, on the public port and on a port for relays. */
const MAX_UNPROVEN_RELAYS = 256;
/** The address at which the processes of one machine reach each other. */
const LOOPBACK = '127.0.0.1';

/** State about connections that the parent process keeps for all worker processes. */
export interface SharedListening {
  /** Which of the machine's processes this one is, from 0. */
  readonly slot: number;
  readonly places: ConnectionPlaces;
  readonly testAnnouncer: TestAnnouncer;
}

export interface ListenersOptions {
  readonly config: ServiceConfig;
  readonly log: Logger;
  /** Present when this is one of several processes that share the ports of a machine. */
  readonly parent: SharedListening | undefined;
  readonly context: SessionContext;
  readonly sessions: OpenSessions;
  readonly batching: Batching;
  readonly ioPath: IoPath;
  /** Present when the configuration asks for RTMPS. */
  readonly tls: TlsTermination | undefined;
  /** Whether new clients must try another node. */
  readonly turnsAway: () => boolean;
  /** Counts a connection that did not become a session. */
  readonly rejected: (reason: string) => void;
  /** Connections that HTTP players may take. Default: none. */
  readonly maxHttpPlayers?: number;
}

/** All ports on which a node accepts connections; accepted connections become sessions. */
export class Listeners {
  readonly gate: ConnectionGate;
  readonly intake: ConnectionIntake;
  /** The places of all clients of this machine. */
  readonly places: ConnectionPlaces;
  readonly #options: ListenersOptions;
  readonly #proxy: ProxyStage | undefined;
  readonly #test: ListenerTest;
  readonly #listeners: RtmpListener[] = [];
  readonly #announcements: string[] = [];

  constructor(options: ListenersOptions) {
    this.#options = options;
    const { config, log, parent, context, sessions, batching, ioPath, turnsAway, rejected } = options;
    // With several workers, relays and outputs have a separate port: connections to the public port are clients'.
    const relays = (config.fleet !== undefined || config.outputs.run !== 'none') && parent === undefined;
    const maxOpen = maxConnections() - (options.maxHttpPlayers ?? 0);
    this.places = parent?.places ?? openConnectionLimits(config.limits);
    this.gate = new ConnectionGate({
      places: this.places,
      maxUnproven: Math.min(MAX_UNPROVEN_CONNECTIONS, Math.ceil(maxOpen / 2)),
      maxOpen,
      maxRelayCandidates: relays ? MAX_UNPROVEN_RELAYS : 0,
      log,
      turnsAway,
      rejected,
    });
    const relayContext = { ...closedContext(context, 'This connection is for relays of the fleet'), relaysOnly: true };
    this.intake = new ConnectionIntake({ context, relayContext, sessions, batching, ioPath });
    this.#proxy = openProxyStage(options, relays);
    this.#test = new ListenerTest({
      context,
      batching,
      ioPath,
      proxy: config.proxy?.mode,
      log,
      processes: parent ? config.workers : 1,
      announcer: parent?.testAnnouncer,
    });
  }

  /** Why clients cannot be served although the ports are open; undefined when they can. */
  get fault(): string | undefined {
    return this.#test.fault;
  }

  /**
   * Listens on the public ports; connections wait until `open`.
   *
   * @throws OperatorError when a port cannot be listened on
   */
  async listen(): Promise<{ readonly rtmp: number; readonly rtmps: number | undefined }> {
    const { config, tls } = this.#options;
    const rtmp = await this.#listen('RTMP', config.rtmp);
    const rtmps = config.tls && tls ? await this.#listen('RTMPS', config.tls, tls) : undefined;
    return { rtmp, rtmps };
  }

  /**
   * Listens on the port at which relays reach this worker: the workers of a machine share the public port.
   *
   * @throws OperatorError when the port cannot be listened on
   */
  async listenForRelays({ slot }: SharedListening): Promise<number> {
    const { config, log, context, sessions, batching, ioPath } = this.#options;
    const relays = closedContext(context, 'This port is for relays of the fleet');
    const intake = new ConnectionIntake({ context: relays, sessions, batching, ioPath });
    const listener = new RtmpListener({ gate: openGate(MAX_UNPROVEN_RELAYS), intake, log });
    const first = config.fleet?.advertisePort;
    const port = first === undefined ? 0 : first + slot;
    const host = config.fleet === undefined ? LOOPBACK : config.rtmp.bindAddress;
    const address = await listener.listen(port, host, true).catch((error: unknown) => {
      const why = describeListenError(error, { port: 'FLEET_ADVERTISE_PORT', bindAddress: 'BIND_ADDRESS' });
      throw new OperatorError(`Relays cannot be listened for on port ${port}: ${why}`, { cause: error });
    });
    this.#listeners.push(listener);
    return address.port;
  }

  /** Serves waiting and new connections; resolves when the first test connections are over. */
  async open(): Promise<void> {
    for (const listener of this.#listeners) listener.open();
    await this.#test.start();
  }

  /** Logs the ports. */
  announce(): void {
    for (const line of this.#announcements) this.#options.log.info(line);
  }

  /** Stops accepting; open connections stay. */
  close(): void {
    this.#test.close();
    for (const listener of this.#listeners) listener.close();
  }

  async #listen(name: string, { port, bindAddress }: Place, tls?: TlsTermination): Promise<number> {
    const { config, log, rejected } = this.#options;
    const { gate, intake } = this;
    const { route, listensAt } = this.#test.route(name, tls !== undefined);
    const listener = new RtmpListener({ gate, intake, log, proxy: this.#proxy, rejected, tests: route, tls });
    const address = await listener.listen(port, bindAddress).catch((error: unknown) => {
      const why = describeListenError(error, {
        port: tls === undefined ? 'RTMP_PORT' : 'SSL_PORT',
        bindAddress: bindAddress === config.rtmp.bindAddress ? 'BIND_ADDRESS' : 'SSL_BIND_ADDRESS',
      });
      throw new OperatorError(`${name} cannot listen on port ${port}: ${why}`, { cause: error });
    });
    this.#listeners.push(listener);
    listensAt(address);
    this.#announcements.push(`${name} listening on ${describeAddress(address)}`);
    return address.port;
  }
}

function openProxyStage({ config, log, rejected }: ListenersOptions, relays: boolean): ProxyStage | undefined {
  if (config.proxy === undefined) return undefined;
  return new ProxyStage({ ...config.proxy, relays, log, rejected });
}

function describeAddress({ address, family, port }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}
