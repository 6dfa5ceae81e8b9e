import type { AddressInfo } from 'node:net';
import { Admission } from './admission/admission';
import { KeyHash } from './admission/key-hash';
import { AcceptAllAuthorizer } from './auth/accept-all-authorizer';
import { CallbackAuthorizer } from './auth/callback-authorizer';
import { CallbackClient } from './auth/callback-client';
import type { PublishAuthorizer } from './auth/publish-authorizer';
import { CommandChannel } from './commands/command-channel';
import { CommandHandler } from './commands/command-handler';
import type { ServiceConfig } from './config/service-config';
import { LocalRegistry } from './fleet/local-registry';
import { HttpServer } from './http/http-server';
import { reportStream } from './http/stream-reporter';
import { Hub } from './hub/hub';
import { SlabPool } from './hub/slab';
import type { Logger } from './logging/logger';
import { registerBatchingMetrics } from './metrics/batching-metrics';
import { Metrics } from './metrics/metrics';
import { TrafficCounters } from './metrics/traffic-counters';
import { AddressRules } from './net/address-rules';
import { Batching } from './net/batching';
import { CertificateStore, certificateFiles } from './net/certificate-store';
import { ConnectionIntake } from './net/connection-intake';
import { ConnectionLimits } from './net/connection-limits';
import { describeListenError } from './net/listen-error';
import { RtmpListener } from './net/rtmp-listener';
import { TlsTermination } from './net/tls-termination';
import { NameRules } from './session/name-rules';
import type { SessionContext } from './session/session-context';
import { SessionRegistry } from './session/session-registry';

/** Unused slabs that are kept for the next stream. */
const MAX_FREE_SLAB_BYTES = 64 * 1024 * 1024;
/** Of the drain time, what is left for closing connections after the stop callbacks. */
const CLOSE_MS = 500;

export interface NodeOptions {
  readonly config: ServiceConfig;
  readonly log: Logger;
  readonly version: string;
  /** The next HTTP port is taken where the configured one is not free. */
  readonly httpPortMayMove?: boolean;
}

export interface RunningNode {
  readonly ports: { readonly rtmp: number; readonly rtmps: number | undefined; readonly http: number | undefined };
  /** Ends all sessions, sends pending stop callbacks, and resolves within the configured drain time. */
  stop(): Promise<void>;
}

/**
 * Starts one node: everything the configuration asks for, listening.
 *
 * @throws Error fit for an operator when a port cannot be listened on or the certificate cannot be used
 */
export async function startNode({ config, log, version, httpPortMayMove }: NodeOptions): Promise<RunningNode> {
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
  const rejected = (reason: string): void => metrics.connectionRejected(reason);
  const tls = config.tls === undefined ? undefined : await openTls(config.tls, log, rejected);
  let rtmpPort = config.rtmp.port;
  const authorizer = makeAuthorizer(config, () => rtmpPort, log, metrics);

  let stopping = false;
  const refusal = (): string | undefined => (stopping ? 'Server is shutting down' : undefined);
  const registry = new LocalRegistry();
  const keyHash = new KeyHash(await registry.fleetSecret());
  const admission = new Admission({
    hub,
    authorizer,
    registry,
    keyHash,
    log,
    policy: { takeover: false, graceMs: 0, withoutRegistry: 'accept' },
    orphaned: (channel, publication) => channel.end(publication),
    refusal,
  });
  const playRules = AddressRules.parse(config.limits.playWhitelist);
  const context: SessionContext = {
    hub,
    gate: admission,
    names: new NameRules(config.rtmp.idMaxLength),
    log,
    traffic,
    chunkSize: config.rtmp.chunkSize,
    streamWanted: () => {},
    refusal,
    mayPlay: (address) => playRules.isEmpty || playRules.allows(address),
    now,
    afterRead: () => batching.afterRead(),
    sessionClosed: (code) => metrics.sessionClosed(code),
  };
  const limits = new ConnectionLimits(
    config.limits.maxConnectionsPerIp,
    AddressRules.parse(config.limits.concurrencyWhitelist),
  );
  const intake = new ConnectionIntake({ context, sessions, limits, batching, log, rejected });

  const listeners: RtmpListener[] = [];
  const listen = async (name: string, port: number, listener: RtmpListener): Promise<number> => {
    const address = await listener.listen(port, config.rtmp.bindAddress).catch((error: unknown) => {
      throw new Error(`${name} cannot listen on port ${port}: ${describeListenError(error)}`, { cause: error });
    });
    listeners.push(listener);
    log.info(`${name} listening on ${describeAddress(address)}`);
    return address.port;
  };
  rtmpPort = await listen('RTMP', config.rtmp.port, new RtmpListener({ intake, log }));
  const rtmps =
    config.tls && tls
      ? await listen('RTMPS', config.tls.port, new RtmpListener({ intake, log, tls: tls.termination }))
      : undefined;

  const http = new HttpServer({
    ready: () => (stopping ? { ready: false, reason: 'shutting down' } : { ready: true }),
    streams: () => [...hub.publications()].map((publication) => reportStream(publication, now())),
    metrics,
    logger: log,
  });
  const httpPort = config.http && (await listenHttp(http, config.http, httpPortMayMove === true));
  if (config.http) log.info(`HTTP listening on ${config.http.bindAddress}:${httpPort}`);

  const handler = new CommandHandler(hub, (publication) => admission.endHeld(publication));
  const commands =
    config.redis &&
    new CommandChannel({
      config: config.redis,
      logger: log,
      execute: (command) => {
        const outcome = handler.execute(command);
        metrics.commandHandled(command.verb, outcome.acted ? 'done' : 'no_effect');
        return outcome;
      },
    });
  const clock = setInterval(() => {
    sessions.tick(now());
    hub.tick(now());
    if (commands) metrics.setRedisConnected(commands.connected);
  }, 1000);

  return {
    ports: { rtmp: rtmpPort, rtmps, http: httpPort },
    async stop() {
      if (stopping) return;
      stopping = true;
      const deadline = now() + config.drainMs;
      for (const listener of listeners) listener.close();
      commands?.stop();
      for (const session of sessions) session.shutDown();
      const undelivered = await authorizer.drain(Math.max(0, config.drainMs - CLOSE_MS));
      if (undelivered > 0) log.error('stop callbacks could not be delivered', { undelivered });
      await sessions.empty(Math.max(0, Math.min(CLOSE_MS, deadline - now())));
      clearInterval(clock);
      batching.close();
      tls?.store.close();
      await http.close();
      metrics.close();
      log.info('stopped');
    },
  };
}

/** @param rtmpPort the port in use, known only after the authorizer was made where any free one was asked for */
function makeAuthorizer(
  config: ServiceConfig,
  rtmpPort: () => number,
  log: Logger,
  metrics: Metrics,
): PublishAuthorizer {
  const { callback, rtmp } = config;
  if (callback === undefined) return new AcceptAllAuthorizer();
  const secret = Buffer.from(callback.jwtSecret);
  return new CallbackAuthorizer({
    client: new CallbackClient({ url: callback.url, trustedCa: callback.trustedCa }),
    subject: callback.subject,
    secret: () => secret,
    timeoutMs: callback.timeoutMs,
    rtmpHost: rtmp.advertisedHost,
    get rtmpPort() {
      return rtmpPort();
    },
    idMaxLength: rtmp.idMaxLength,
    logger: log,
    observer: { callback: (event, result, seconds) => metrics.callbackFinished(event, result, seconds * 1000) },
  });
}

async function openTls(
  config: NonNullable<ServiceConfig['tls']>,
  log: Logger,
  rejected: (reason: string) => void,
): Promise<{ store: CertificateStore; termination: TlsTermination }> {
  const store = await CertificateStore.open({
    source: certificateFiles(config.certPath, config.keyPath),
    reloadCheckMs: config.reloadCheckMs,
    logger: log,
  });
  const termination = new TlsTermination(store.current.pair, rejected);
  store.onChange(({ pair }) => termination.use(pair));
  return { store, termination };
}

function listenHttp(http: HttpServer, { port, bindAddress }: NonNullable<ServiceConfig['http']>, mayMove: boolean) {
  return mayMove ? http.listenOrNext(port, bindAddress) : http.listen(port, bindAddress);
}

function describeAddress({ address, family, port }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}
