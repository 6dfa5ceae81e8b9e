import { Admission } from '../admission/admission';
import { openAuthorizer } from '../auth/open-authorizer';
import { openTaskAgent } from '../aws/open-task-agent';
import { SecretSource } from '../aws/secret-source';
import { SecretsManager } from '../aws/secrets-manager';
import { readTaskMetadata } from '../aws/task-metadata';
import type { ServiceConfig } from '../config/service-config';
import { openOutlets } from '../events/outlets/open-outlets';
import { openMember } from '../fleet/open-member';
import { FleetReader } from '../http/api/fleet-reader';
import { openHttp } from '../http/open-http';
import { FleetKeys } from '../leases/fleet-keys';
import type { LifeStore } from '../leases/life-store';
import type { TaskAgent } from '../aws/task-agent';
import type { Operators } from '../operators/operators';
import type { Logger } from '../logging/logger';
import { registerIoPathMetric } from '../metrics/io-path-metric';
import { openEmfReporter } from '../metrics/open-emf-reporter';
import { chooseIoPath, type IoPath } from '../net/sockets/io-path';
import { openTls } from '../net/tls/open-tls';
import { NameGrammar } from '../protocol/name-grammar';
import { askToLeave } from './drain';
import { Lifecycle } from './lifecycle';
import { Listeners, type SharedListening } from './listeners';
import { openMedia } from './media';
import { openApi } from './open-api';
import { nodeState, type WorkerState } from './node-state';
import { openContext } from './open-context';
import { openOperators } from './open-operators';
import { openHlsDoor } from './open-hls-door';
import { openOutputs, type ParentOutputs } from './open-outputs';
import { type HttpPlayerLine, mostHttpPlayers, openViewers } from './open-viewers';
import { PlayerMover, type WorkerLine } from './player-mover';
import { shutDown, shutdownSteps } from './shutdown';
import { openTracing } from '../tracing/open-tracing';
import { monotonicNow } from '../time/clock';

/** The answer to an order before the node receives orders. */
const STARTING_NOW = { acted: false, detail: 'the node is starting' };
/** How often deadlines are checked (ms). */
const TICK_MS = 1000;

export interface NodeOptions {
  readonly config: ServiceConfig;
  readonly log: Logger;
  readonly version: string;
  /** Uses the next free HTTP port if the configured port is taken. */
  readonly httpPortMayMove?: boolean;
  /** Present in one of several workers that share the ports of a machine: what the parent process keeps for all. */
  readonly parent?: LifeStore & WorkerLine & SharedListening & HttpPlayerLine & { readonly outputs?: ParentOutputs };
  /** The HTTP port of the machine, which its parent process has, if other nodes can reach it there. */
  readonly machineHttpPort?: number | undefined;
  /** How sockets are read; default: the best way that works on this Node.js. */
  readonly ioPath?: IoPath;
  /** An operator wants this node drained and ended. */
  readonly drainRequested?: () => void;
  /** AWS ECS stops this node's task, and no session or stream is left: the process can end. */
  readonly emptied?: () => void;
}

export interface RunningService {
  readonly ports: { readonly rtmp: number; readonly rtmps: number | undefined; readonly http: number | undefined };
  /** Ends all sessions, sends pending stop callbacks, and resolves within the configured drain time. */
  stop(): Promise<void>;
}

export interface RunningNode extends RunningService {
  /** Live streams, metrics and readiness, for the process that has the HTTP port. */
  readonly state: WorkerState;
}

/**
 * Starts one node as configured. It listens on its ports before it joins the fleet, so that a start that fails there
 * does not disturb a running node with the same id. Clients are served once the node has joined its fleet, or has found
 * that it cannot at present.
 *
 * @throws OperatorError when a port cannot be listened on or the certificate cannot be used
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { config, log, version, parent } = options;
  const now = monotonicNow;
  const processes = parent === undefined ? 1 : config.workers;
  const media = openMedia({ config, log, version, processes, nodeId: () => store.self.id, now });
  const { events, teller, traffic, sessions, batching, hub, memory, metrics } = media;
  const outlets = openOutlets(config.events, events, log);
  const secrets = new SecretsManager();
  const tracing = config.tracing && (await openTracing(config.tracing, version, log));
  const task = config.taskMetadataUrl && (await readTaskMetadata(config.taskMetadataUrl, log));
  const password = openPassword(config, secrets, log);
  const keys = new FleetKeys();
  const member = openMember({ config, parent, task, password, keys, hub, batching, traffic, log });
  const { store, keyHash } = member;
  const tls = config.tls && (await openTls(config.tls, secrets, log));
  const ioPath = options.ioPath ?? (await chooseIoPath(log, tls?.termination));
  registerIoPathMetric(metrics.registry, ioPath);
  /** The ports as far as they are known: a configured port 0 means any free port. */
  const ports = { rtmp: config.rtmp.port };
  /** Where this process alone serves streams: workers share the public port. */
  let ownPort = (): number => ports.rtmp;
  const outputs = await openOutputs({
    ...{ config, parent: parent?.outputs, media, log },
    port: () => ownPort(),
    ports: () => [ports.rtmp, ...(config.tls === undefined ? [] : [config.tls.port])],
    nodeId: () => store.self.id,
    remember: (publication, orders) => admission.ordered(publication, orders),
  });
  const { concurrencyWhitelist, maxConnectionsPerIp } = config.limits;
  const authorization = openAuthorizer({
    config,
    readSecret: secrets.read,
    rtmpHost: config.rtmp.advertisedHost || (task?.address ?? ''),
    rtmpPort: () => ports.rtmp,
    due: { pull: (max) => store.pullStops(max), delivered: (jti) => void store.stopDelivered(jti) },
    callbackFinished: (event, result, durationMs) => metrics.callbackFinished(event, result, durationMs),
    startUnasked: (reason) => metrics.startUnasked(reason),
    handlerDown: (down) => metrics.handlerDown(down),
    questionsPerAddress: (address) => (concurrencyWhitelist.allows(address) ? Infinity : maxConnectionsPerIp),
    log,
  });
  authorization.followSecret((secret) => keys.use(secret));
  acceptFormerSecret(config, secrets, keys);

  const lifecycle = new Lifecycle();
  const admission = new Admission({
    hub,
    authorizer: authorization.authorizer,
    store,
    keyHash,
    log,
    policy: { ...config.publishing, withoutRegistry: config.fleet?.withoutRedis ?? 'accept' },
    orphaned: (channel, publication) => {
      teller.movedAway(publication);
      member.orphaned(channel, publication);
    },
    ends: (publication, why, reason) => teller.ends(publication, why === 'killed' ? 'operator' : 'lost', reason),
    conflict: () => metrics.leaseConflict(),
    refusal: () => lifecycle.refusal,
    noRoom: () => (memory.isTight ? 'The server is short of memory, try again later' : undefined),
  });
  const names = new NameGrammar(config.rtmp.names);
  const mover = parent && new PlayerMover({ store, line: parent, hub, now });
  const context = openContext({
    ...{ config, log, media, names, admission, member, lifecycle, mover, ioPath, now, outputs: outputs?.node },
    tracer: tracing,
  });
  const maxHttpPlayers = mostHttpPlayers(config, parent !== undefined);
  const listeners = new Listeners({
    config,
    log,
    parent,
    context,
    sessions,
    batching,
    ioPath,
    tls: tls?.termination,
    turnsAway: () => lifecycle.turnsAway,
    rejected: (reason) => metrics.connectionRejected(reason),
    maxHttpPlayers,
  });
  mover?.receive(listeners);
  const viewers = openViewers({
    ...{ context, sessions, member },
    places: listeners.places,
    maxPlayers: maxHttpPlayers,
    origins: config.httpPlaying.origins,
  });
  parent?.takeHttpPlayers(viewers);
  const { rtmps } = Object.assign(ports, await listeners.listen());
  const relayPort = parent ? await listeners.listenForRelays(parent) : (config.fleet?.advertisePort ?? ports.rtmp);
  if (parent !== undefined) ownPort = () => relayPort;
  /** Parts that are opened after the HTTP port, which may ask for them. */
  const later: { operators?: Operators; agent?: TaskAgent | undefined } = {};
  const api = openApi({
    media,
    member,
    lifecycle,
    version,
    chunkSize: config.rtmp.chunkSize,
    // SLOTS is of the machine, whose workers are listed as nodes of their own.
    slots: parent ? Math.ceil(config.nodeMetrics.slots / config.workers) : config.nodeMetrics.slots,
    readiness: () => state.ready(),
    isProtected: () => later.agent?.isProtected ?? null,
    outputs: outputs?.node,
    order: (text) => later.operators?.execute(text, 'ordered') ?? Promise.resolve(STARTING_NOW),
    now,
  });
  const { machine } = api;
  const state = nodeState({ lifecycle, listeners, store, authorization, hub, metrics, machine, now });
  const reporter = parent ? undefined : openEmfReporter(config.nodeMetrics, () => Promise.resolve([state.figures()]));
  const http = await openHttp({
    ...state,
    metrics,
    machine,
    player: viewers,
    hls: openHlsDoor({
      config,
      host: outputs?.host,
      admits: (channel, key) => Promise.resolve(state.admitsViewer(channel, key)),
    }),
    config,
    log,
    portMayMove: options.httpPortMayMove === true,
  });
  const portForNodes = http?.portForNodes(store.self.host) ?? options.machineHttpPort;
  store.reachableAt(store.self.host, relayPort, portForNodes);
  const drainRequested = (): void => options.drainRequested?.();
  const reader = parent === undefined && config.redis !== undefined ? new FleetReader(machine, log) : undefined;
  const operators = openOperators({
    reader,
    config,
    password,
    names,
    log,
    hub,
    admission,
    member,
    metrics,
    teller,
    drainRequested,
  });
  later.operators = operators;
  const nodeLeft = (subject: string): void => events.tell({ type: 'node.left', subject });
  await member.start(admission, { command: (text) => void operators.execute(text, 'redelivered'), nodeLeft });
  await outputs?.start();
  await listeners.open();
  lifecycle.open();
  events.tell({ type: 'node.joined', subject: store.self.id });
  listeners.announce();
  const leave = async (): Promise<void> => {
    lifecycle.leave();
    events.tell({ type: 'node.draining', subject: store.self.id });
    await store.drain();
    askToLeave(sessions, log);
    viewers?.letGo('Server is shutting down');
  };
  const agent = parent
    ? undefined
    : openTaskAgent({
        config,
        task,
        log,
        publishers: () => hub.publicationCount,
        leaving: () => void leave(),
        called: (call, succeeded) => metrics.ecsCalled(call, succeeded),
      });
  later.agent = agent;
  lifecycle.followTask(agent);
  const clock = setInterval(() => {
    for (const part of [sessions, hub, media.health, admission, member, api]) part.tick(now());
    if (config.redis) metrics.setRedisConnected(operators.connected);
    // A held channel still needs this node: its stream may be resumed on another node.
    const isEmpty = sessions.size === 0 && (viewers?.size ?? 0) === 0 && hub.publicationCount === 0;
    if (lifecycle.phase === 'leaving' && isEmpty) options.emptied?.();
  }, TICK_MS);

  return {
    ports: { rtmp: ports.rtmp, rtmps, http: http?.port },
    state,
    async stop() {
      const isLeaving = lifecycle.phase === 'leaving';
      if (!lifecycle.stop()) return;
      if (!isLeaving) events.tell({ type: 'node.draining', subject: store.self.id });
      agent?.close();
      const steps = shutdownSteps({
        inFleet: config.fleet !== undefined,
        log,
        sessions,
        viewers,
        listeners,
        operators,
        admission,
        outputs,
        authorizer: authorization.authorizer,
        member,
        // Another node of a fleet tells: whoever follows events asks a node that is gone no more.
        left: () => {
          if (config.fleet === undefined) nodeLeft(store.self.id);
        },
        stopClock: () => clearInterval(clock),
        rest: [
          tls,
          authorization,
          password,
          secrets,
          viewers,
          http,
          api,
          reader,
          reporter,
          outputs,
          outlets,
          tracing,
          media,
        ],
      });
      await shutDown({ steps, drainMs: config.drainMs, log, now });
      log.info('stopped');
    },
  };
}

/** Reads a Redis password from Secrets Manager; undefined when the setting contains it, or there is none. */
function openPassword(config: ServiceConfig, secrets: SecretsManager, log: Logger): SecretSource | undefined {
  const password = config.redis?.password;
  if (typeof password !== 'object') return undefined;
  const read = (): Promise<string> => secrets.read(password);
  return new SecretSource({ name: 'REDIS_PASSWORD_ARN', read, refreshMs: config.secretRefreshMs, log });
}

/** Other nodes may still use the callback's previous secret. A secret that never changed has no previous version. */
function acceptFormerSecret(config: ServiceConfig, secrets: SecretsManager, keys: FleetKeys): void {
  const jwtSecret = config.callback?.jwtSecret;
  if (config.fleet === undefined || typeof jwtSecret !== 'object') return;
  secrets.readPrevious(jwtSecret).then(
    (former) => keys.accept(former),
    () => undefined,
  );
}
