import type { AddressInfo } from 'node:net';
import { Admission } from '../admission/admission';
import { openAuthorizer } from '../auth/open-authorizer';
import { openTaskAgent } from '../aws/open-task-agent';
import { SecretSource } from '../aws/secret-source';
import { SecretsManager } from '../aws/secrets-manager';
import type { TaskAgent } from '../aws/task-agent';
import { readTaskMetadata } from '../aws/task-metadata';
import { CommandHandler } from '../operators/command-handler';
import { Operators } from '../operators/operators';
import type { RedisConfig } from '../config/redis-settings';
import type { Place } from '../config/listening-places';
import { OperatorError } from '../errors/operator-error';
import type { ServiceConfig } from '../config/service-config';
import { askToLeave, drainSessions } from './drain';
import { FleetKeys } from '../leases/fleet-keys';
import { openMember } from '../fleet/open-member';
import type { LeaseRegistry } from '../leases/lease-registry';
import { HttpServer, STARTING } from '../http/http-server';
import { reportStream } from '../http/stream-reporter';
import { Hub } from '../hub/hub';
import { defaultMemoryBudget, MemoryGuard } from '../hub/memory-guard';
import { SlabPool } from '../hub/slab';
import type { Logger } from '../logging/logger';
import { registerBatchingMetrics } from '../metrics/batching-metrics';
import { EmfReporter } from '../metrics/emf-reporter';
import { registerIoPathMetric } from '../metrics/io-path-metric';
import { registerMemoryMetrics } from '../metrics/memory-metrics';
import { Metrics } from '../metrics/metrics';
import { TrafficCounters } from '../metrics/traffic-counters';
import { Batching } from '../net/batching/batching';
import { ConnectionIntake } from '../net/connection-intake';
import { ConnectionGate, openGate } from '../net/gate/connection-gate';
import type { ConnectionPlaces } from '../net/gate/connection-limits';
import { maxConnections } from '../net/gate/max-connections';
import { openConnectionLimits } from '../net/gate/open-connection-limits';
import { chooseIoPath, type IoPath } from '../net/sockets/io-path';
import { describeListenError } from '../net/listen-error';
import { ListenerTest } from '../net/self-test/listener-test';
import { openTls } from '../net/tls/open-tls';
import { ProxyStage } from '../net/proxy/proxy-stage';
import { RtmpListener, type RtmpListenerOptions } from '../net/rtmp-listener';
import type { TestAnnouncer } from '../net/self-test/test-connections';
import { NameGrammar } from '../protocol/name-grammar';
import type { MovableSession } from '../session/opening';
import { NameRules } from '../session/rtmp-commands/name-rules';
import { closedContext } from '../session/closed-context';
import type { SessionContext } from '../session/session-context';
import { SessionRegistry } from '../session/session-registry';
import type { WorkerState } from './node-state';
import { PlayerMover, type WorkerLine } from './player-mover';

/** Unused slabs that are kept for the next stream. */
const MAX_FREE_SLAB_BYTES = 64 * 1024 * 1024;
/** Of the drain time, what a fleet's node keeps for ending those who have not left, and for their stop callbacks. */
const FINAL_MS = 3_000;
/** And of that, what is left for closing connections after the stop callbacks. */
const CLOSE_MS = 500;

/** Connections at a time that have not published or played yet: what they hold is bounded by this. */
const MAX_UNPROVEN_CONNECTIONS = 4096;
/** And, with several workers, to the port for relays: strangers get no further than that. */
const MAX_UNPROVEN_RELAYS = 256;

/** How often the memory is looked at (ms). */
const MEMORY_LOOK_MS = 250;

/** Where the processes of one machine reach each other. */
const LOOPBACK = '127.0.0.1';

export interface NodeOptions {
  readonly config: ServiceConfig;
  readonly log: Logger;
  readonly version: string;
  /** The next HTTP port is taken where the configured one is not free. */
  readonly httpPortMayMove?: boolean;
  /** Present when this is one of several processes that share the ports of a machine: what the parent keeps for all. */
  readonly parent?: LeaseRegistry &
    WorkerLine & {
      /** Which of the machine's processes this one is, from 0. */
      readonly slot: number;
      readonly places: ConnectionPlaces;
      readonly testAnnouncer: TestAnnouncer;
    };
  /** How sockets are read; default: what works on this Node.js. */
  readonly ioPath?: IoPath;
  /** An operator wants this node emptied and ended. */
  readonly drainRequested?: () => void;
  /** AWS ECS stops this node's task, and nobody is left on it: there is nothing to wait for. */
  readonly emptied?: () => void;
}

export interface RunningService {
  readonly ports: { readonly rtmp: number; readonly rtmps: number | undefined; readonly http: number | undefined };
  /** Ends all sessions, sends pending stop callbacks, and resolves within the configured drain time. */
  stop(): Promise<void>;
}

export interface RunningNode extends RunningService {
  /** Live streams, metrics and readiness, for whoever speaks for this node. */
  readonly state: WorkerState;
}

/**
 * Starts one node: everything the configuration asks for, listening. Ports are taken first, so that a start that fails
 * there disturbs no running node of the same name; clients are served once the node has joined its fleet, or has found
 * that it cannot for now.
 *
 * @throws OperatorError when a port cannot be listened on or the certificate cannot be used
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { config, log, version, httpPortMayMove, parent } = options;
  const now = (): number => performance.now();
  const traffic = new TrafficCounters();
  const sessions = new SessionRegistry();
  const batching = new Batching({ latencyMs: config.latencyMs, traffic });
  const hub = new Hub({
    pool: new SlabPool(MAX_FREE_SLAB_BYTES),
    traffic,
    chunkSize: config.rtmp.chunkSize,
    gopCacheBytes: config.limits.gopCacheBytes,
    scheduler: batching,
    now,
  });
  const memory = new MemoryGuard({
    budgetBytes: config.limits.memoryBudgetBytes ?? defaultMemoryBudget(parent === undefined ? 1 : config.workers),
    log,
    streams: () => hub.streams(),
    used: () => process.memoryUsage().arrayBuffers,
    now,
  });
  const memoryClock = setInterval(() => memory.tick(), MEMORY_LOOK_MS).unref();
  const metrics = new Metrics({
    version,
    traffic,
    gauges: {
      sessionsByState: () => sessions.countByPhase(),
      publishers: () => hub.publicationCount,
      players: () => hub.playerCount,
    },
  });
  registerBatchingMetrics(metrics.registry, batching);
  registerMemoryMetrics(metrics.registry, memory);
  const rejected = (reason: string): void => metrics.connectionRejected(reason);
  const secrets = new SecretsManager();
  const task = config.taskMetadataUrl && (await readTaskMetadata(config.taskMetadataUrl, log));
  const password = config.redis && openPassword(config.redis.password, config.secretRefreshMs, secrets, log);
  const keys = new FleetKeys();
  const member = openMember({ config, parent, task, password, keys, hub, batching, traffic, log });
  const { registry, keyHash } = member;
  const tls = config.tls && (await openTls(config.tls, secrets, log));
  const ioPath = options.ioPath ?? (await chooseIoPath(log, tls?.termination));
  registerIoPathMetric(metrics.registry, ioPath);
  let rtmpPort = config.rtmp.port;
  const { concurrencyWhitelist: exempt, playWhitelist: playRules } = config.limits;
  const authorization = openAuthorizer({
    config,
    readSecret: secrets.read,
    rtmpHost: config.rtmp.advertisedHost || (task?.address ?? ''),
    rtmpPort: () => rtmpPort,
    stopDelivered: (jti) => void registry.stopDelivered(jti),
    ...(registry.pendingStops && {
      pendingStops: () => registry.pendingStops!().map(({ jti, ...stream }) => ({ ...stream, stopJti: jti })),
    }),
    callbackFinished: (event, result, durationMs) => metrics.callbackFinished(event, result, durationMs),
    startUnasked: (reason) => metrics.startUnasked(reason),
    handlerDown: (down) => metrics.handlerDown(down),
    questionsPerAddress: (address) => (exempt.allows(address) ? Infinity : config.limits.maxConnectionsPerIp),
    log,
  });
  const { authorizer } = authorization;
  authorization.followSecret((secret) => keys.use(secret));
  const jwtSecret = config.callback?.jwtSecret;
  if (config.fleet !== undefined && typeof jwtSecret === 'object') {
    // A secret that never changed has none before it.
    secrets.readPrevious(jwtSecret).then(
      (former) => keys.accept(former),
      () => undefined,
    );
  }

  let open = false;
  let stopping = false;
  /** ECS is stopping this task: it is emptied without a deadline, until it is told to end or nobody is left. */
  let leaving = false;
  let agent: TaskAgent | undefined;
  const refusal = (): string | undefined => (stopping || leaving ? 'Server is shutting down' : undefined);
  const admission = new Admission({
    hub,
    authorizer,
    registry,
    keyHash,
    log,
    policy: { ...config.publishing, withoutRegistry: config.fleet?.withoutRedis ?? 'accept' },
    orphaned: (channel, publication) => member.orphaned(channel, publication),
    refusal,
    noRoom: () => (memory.isTight ? 'The server is short of memory, try again later' : undefined),
  });
  let mover: PlayerMover | undefined;
  const names = new NameGrammar(config.rtmp.names);
  const context: SessionContext = {
    hub,
    gate: admission,
    names: new NameRules(names),
    log,
    traffic,
    chunkSize: config.rtmp.chunkSize,
    timeouts: config.timeouts,
    gopCacheBytes: config.limits.gopCacheBytes,
    streamWanted: (channel) => member.streamWanted(channel),
    ...(member.verifyRelay && { verifyRelay: member.verifyRelay }),
    ...(parent &&
      ioPath === 'onread' && {
        moveToStream: async (session: MovableSession, channel: string) => mover?.move(session, channel),
      }),
    refusal,
    mayPlay: (address) => playRules.isEmpty || playRules.allows(address),
    now,
    afterRead: () => batching.afterRead(),
    sessionClosed: (code) => metrics.sessionClosed(code),
  };
  const places = parent?.places ?? openConnectionLimits(config.limits);
  const maxOpen = maxConnections();
  // Among workers, relays come to a port of their own: whoever comes to the public one is a client.
  const isPeer = (address: string): boolean => parent === undefined && member.isPeer(address);
  const maxUnproven = Math.min(MAX_UNPROVEN_CONNECTIONS, Math.ceil(maxOpen / 2));
  const gate = new ConnectionGate({
    places,
    maxUnproven,
    maxOpen,
    log,
    isPeer,
    turnsAway: () => leaving,
    rejected,
  });
  const intake = new ConnectionIntake({ context, sessions, batching, ioPath });
  if (parent) mover = new PlayerMover({ registry, line: parent, hub, gate, intake, now });

  // Relays of other nodes come without the load balancer, under a header of their own.
  const isTrustedProxy = (address: string): boolean =>
    config.proxy?.trusted.allows(address) === true || isPeer(address);
  const direct = {
    allows: (address: string): boolean => config.proxy?.direct.allows(address) === true && !isPeer(address),
  };
  const proxy =
    config.proxy &&
    new ProxyStage({ mode: config.proxy.mode, trusted: { allows: isTrustedProxy }, direct, log, rejected });
  const listenerTest = new ListenerTest({
    context,
    batching,
    ioPath,
    proxy: config.proxy?.mode,
    log,
    processes: parent ? config.workers : 1,
    announcer: parent?.testAnnouncer,
  });
  const listeners: RtmpListener[] = [];
  const announcements: string[] = [];
  const listen = async (
    name: string,
    { port, bindAddress }: Place,
    more: Pick<RtmpListenerOptions, 'tls'> = {},
  ): Promise<number> => {
    const { route, listensAt } = listenerTest.route(name, more.tls !== undefined);
    const listener = new RtmpListener({ gate, intake, log, proxy, rejected, tests: route, ...more });
    const address = await listener.listen(port, bindAddress).catch((error: unknown) => {
      const why = describeListenError(error, {
        port: more.tls === undefined ? 'RTMP_PORT' : 'SSL_PORT',
        bindAddress: bindAddress === config.rtmp.bindAddress ? 'BIND_ADDRESS' : 'SSL_BIND_ADDRESS',
      });
      throw new OperatorError(`${name} cannot listen on port ${port}: ${why}`, { cause: error });
    });
    listeners.push(listener);
    listensAt(address);
    announcements.push(`${name} listening on ${describeAddress(address)}`);
    return address.port;
  };
  rtmpPort = await listen('RTMP', config.rtmp);
  const rtmps = config.tls && tls ? await listen('RTMPS', config.tls, { tls: tls.termination }) : undefined;

  if (parent) {
    // Workers share the public port: relays reach each of them at a port of its own.
    const relays = closedContext(context, 'This port is for relays of the fleet');
    const listener = new RtmpListener({
      gate: openGate(MAX_UNPROVEN_RELAYS),
      intake: new ConnectionIntake({ context: relays, sessions, batching, ioPath }),
      log,
    });
    const first = config.fleet?.advertisePort;
    const port = first === undefined ? 0 : first + parent.slot;
    const host = config.fleet === undefined ? LOOPBACK : config.rtmp.bindAddress;
    const address = await listener.listen(port, host, true).catch((error: unknown) => {
      const why = describeListenError(error, { port: 'FLEET_ADVERTISE_PORT', bindAddress: 'BIND_ADDRESS' });
      throw new OperatorError(`Relays cannot be listened for on port ${port}: ${why}`, { cause: error });
    });
    listeners.push(listener);
    registry.reachableAt(registry.self.host, address.port);
  } else {
    registry.reachableAt(registry.self.host, config.fleet?.advertisePort ?? rtmpPort);
  }

  const state: WorkerState = {
    ready: () => {
      if (!open) return STARTING;
      if (stopping || leaving) return { ready: false, reason: stopping ? 'shutting down' : 'leaving' };
      const { fault } = listenerTest;
      if (fault !== undefined) return { ready: false, reason: fault };
      const refused = registry.refused ?? [];
      if (refused.length > 0) return { ready: false, reason: `Redis refuses ${refused.join(', ')}` };
      const missing = authorization.waitsFor();
      return missing === undefined ? { ready: true } : { ready: false, reason: `waiting for ${missing}` };
    },
    streams: () => [...hub.publications()].map((publication) => reportStream(publication, now())),
    metrics: () => metrics.registry.getMetricsAsJSON(),
    figures: () => {
      const draining = stopping || (agent !== undefined && agent.standing !== 'wanted');
      return metrics.takeFigures({ stopBacklog: authorization.pendingStops(), draining });
    },
  };
  const { emf, slots } = config.nodeMetrics;
  const collect = () => Promise.resolve([state.figures()]);
  const reporter = emf && !parent ? new EmfReporter({ service: emf.service, slots, collect }) : undefined;
  const http = new HttpServer({
    ...state,
    metrics,
    log,
    skipProxyHeaders: config.proxy !== undefined,
    allowedHosts: config.http?.allowedHosts ?? [],
  });
  const httpPort = config.http && (await listenHttp(http, config.http, httpPortMayMove === true));
  if (config.http) log.info(`HTTP listening on ${config.http.bindAddress}:${httpPort}`);

  const handler = new CommandHandler({
    hub,
    endHeld: (publication) => admission.endHeld(publication),
    nodeIds: [registry.self.id, member.machineId],
    drain: () => options.drainRequested?.(),
  });
  const operators =
    config.redis &&
    new Operators({
      config: config.redis,
      password,
      names,
      log,
      carryOut: (command) => handler.execute(command),
      member: config.fleet && {
        id: registry.self.id,
        known: () => member.peers(),
        registered: async () => (await registry.nodes()).map(({ id }) => id),
      },
      counted: (verb, result) => metrics.commandHandled(verb, result),
      remember: (command) => registry.remember(command),
      subscribed: () => void registry.redeliverCommands(),
    });
  await member.start(admission, {
    command: (text) => void operators?.execute(text, 'redelivered'),
    conflict: () => metrics.leaseConflict(),
  });
  for (const listener of listeners) listener.open();
  await listenerTest.start();
  open = true;
  for (const line of announcements) log.info(line);
  const leave = async (): Promise<void> => {
    leaving = true;
    await registry.drain();
    askToLeave(sessions, log);
  };
  if (!parent) {
    agent = openTaskAgent({
      config,
      task,
      log,
      publishers: () => hub.publicationCount,
      leaving: () => void leave(),
      called: (call, succeeded) => metrics.ecsCalled(call, succeeded),
    });
  }
  const clock = setInterval(() => {
    sessions.tick(now());
    hub.tick(now());
    admission.tick(now());
    member.tick(now());
    if (operators) metrics.setRedisConnected(operators.connected);
    // A channel that is held for its publisher is not left alone: it may go on at another node.
    if (leaving && sessions.size === 0 && hub.publicationCount === 0) options.emptied?.();
  }, 1000);

  return {
    ports: { rtmp: rtmpPort, rtmps, http: httpPort },
    state,
    async stop() {
      if (stopping) return;
      stopping = true;
      agent?.close();
      const deadline = now() + config.drainMs;
      if (config.fleet) {
        await registry.drain();
        const leftMs = (): number => Math.max(0, deadline - FINAL_MS - now());
        await drainSessions(sessions, leftMs(), log);
        // Publishers that were lost, or break before they make, may go on with their streams at another node.
        await admission.noneHeld(leftMs());
      }
      listenerTest.close();
      for (const listener of listeners) listener.close();
      const hushed = operators?.stop();
      for (const session of sessions) session.shutDown();
      await admission.close();
      await authorizer.drain(Math.max(0, deadline - now() - CLOSE_MS));
      await sessions.empty(Math.max(0, Math.min(CLOSE_MS, deadline - now())));
      clearInterval(clock);
      clearInterval(memoryClock);
      await hushed;
      await member.stop();
      batching.close();
      tls?.close();
      authorization.close();
      password?.close();
      secrets.close();
      await http.close();
      reporter?.close();
      metrics.close();
      log.info('stopped');
    },
  };
}

/** Follows a Redis password that is kept in a secret; undefined when it is given, or there is none. */
function openPassword(
  password: RedisConfig['password'],
  refreshMs: number,
  secrets: SecretsManager,
  logger: Logger,
): SecretSource | undefined {
  if (typeof password !== 'object') return undefined;
  return new SecretSource({ name: 'REDIS_PASSWORD_ARN', read: () => secrets.read(password), refreshMs, log: logger });
}

function listenHttp(http: HttpServer, { port, bindAddress }: NonNullable<ServiceConfig['http']>, mayMove: boolean) {
  return mayMove ? http.listenOrNext(port, bindAddress) : http.listen(port, bindAddress);
}

function describeAddress({ address, family, port }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}
