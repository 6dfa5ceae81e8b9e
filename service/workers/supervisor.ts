import cluster, { type Worker } from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { ServiceConfig } from '../config/service-config';
import { MemoryRegistry } from '../fleet/memory-registry';
import { HttpServer } from '../http/http-server';
import type { Logger } from '../logging/logger';
import { EmfReporter } from '../metrics/emf-reporter';
import { AddressRules } from '../net/address-rules';
import { ConnectionLimits } from '../net/connection-limits';
import type { RunningService } from '../node';
import { mergeReports } from './merge-reports';
import type { WorkerNotice } from './messages';
import { WorkerProcess } from './worker-process';

export interface SupervisorOptions {
  readonly config: ServiceConfig;
  readonly log: Logger;
  readonly httpPortMayMove?: boolean;
  /** An operator wants this machine emptied and ended. */
  readonly drainRequested?: () => void;
}

/** A worker that ended by itself is replaced after this long, doubled each time it fails to last a minute (ms). */
const RESTART_MS = 500;
const MAX_RESTART_MS = 30_000;
const LASTED_MS = 60_000;
/** A worker that leaves so many questions unanswered, one is asked each second, will answer none any more. */
const MAX_UNANSWERED = 30;
/** What a worker may take to end beyond the drain time (ms). */
const KILL_MARGIN_MS = 2_000;

/**
 * Runs the node as several processes that share its ports and act as one server: this one takes no connections, it
 * keeps what they must agree on and speaks for all of them on the HTTP port.
 *
 * @throws Error fit for an operator when the first workers cannot start
 */
export async function startWorkers(options: SupervisorOptions): Promise<RunningService> {
  const { config, log, httpPortMayMove } = options;
  // Protection is for the whole task, and what ECS has in mind for it too: neither is known to several processes yet.
  if (config.fleet?.taskProtection) log.warning('FLEET_TASK_PROTECTION is not used: it needs WORKERS=1');
  const registry = new MemoryRegistry();
  const exempt = AddressRules.parse(config.limits.concurrencyWhitelist);
  const limits = new ConnectionLimits(config.limits.maxConnectionsPerIp, exempt);
  const workers = new Map<Worker, WorkerProcess>();
  let stopping = false;
  let restartMs = RESTART_MS;

  const fork = (starting: (notice: WorkerNotice) => void = () => undefined): Worker => {
    const worker = cluster.fork();
    const startedAt = performance.now();
    const notice = (said: WorkerNotice): void => {
      if (said.kind === 'drainRequested') options.drainRequested?.();
      else starting(said);
    };
    workers.set(worker, new WorkerProcess({ worker, registry, limits, notice }));
    worker.on('exit', (code, signal) => {
      workers.delete(worker);
      if (stopping) return;
      log.error('a worker ended, another one is started', { worker: worker.id, code, signal });
      restartMs = performance.now() - startedAt > LASTED_MS ? RESTART_MS : Math.min(restartMs * 2, MAX_RESTART_MS);
      setTimeout(() => stopping || fork(), restartMs);
    });
    return worker;
  };

  // One after the other: where any free port was asked for, the first one's is everybody's.
  let ports: { rtmp: number; rtmps: number | undefined } = { rtmp: 0, rtmps: undefined };
  for (let i = 0; i < config.workers; i += 1) {
    ports = await new Promise((resolve, reject) => {
      const worker = fork((notice) => {
        if (notice.kind === 'listening') {
          // From now on its end is its own: the others have streams to end in good order.
          worker.off('exit', endedEarly);
          resolve(notice.ports);
        }
        if (notice.kind === 'failed') fail(notice.reason);
      });
      const fail = (reason: string): void => {
        stopping = true;
        for (const other of workers.keys()) other.process.kill('SIGKILL');
        reject(new Error(reason, { cause: 'worker' }));
      };
      const endedEarly = (): void => fail('a worker ended before it listened');
      worker.once('exit', endedEarly);
    });
  }

  const reports = async (figures = false) => {
    const all = await Promise.all([...workers.values()].map((worker) => worker.report(figures)));
    return all.filter((report) => report !== undefined);
  };
  let ready = { ready: true } as { ready: boolean; reason?: string };
  const readiness = setInterval(() => {
    for (const [worker, { unanswered }] of workers) {
      if (unanswered < MAX_UNANSWERED) continue;
      log.error('a worker does not answer', { worker: worker.id });
      worker.process.kill('SIGKILL');
    }
    void reports().then((all) => {
      ready = all.find((report) => report.ready.ready)?.ready ?? all[0]?.ready ?? { ready: false, reason: 'no worker' };
    });
  }, 1_000);
  const http = new HttpServer({
    ready: () => (stopping ? { ready: false, reason: 'shutting down' } : ready),
    streams: async () => mergeReports((await reports()).flatMap(({ streams }) => streams)),
    metrics: {
      contentType: new AggregatorRegistry().contentType,
      scrape: async () => {
        const metrics = (await reports()).map((report) => [...report.metrics]);
        return AggregatorRegistry.aggregate(metrics).metrics();
      },
    },
    logger: log,
    skipProxyHeaders: config.proxy !== undefined,
  });
  const collect = async () => (await reports(true)).flatMap(({ figures }) => figures ?? []);
  const { emf, slots } = config.nodeMetrics;
  const reporter = emf && new EmfReporter({ service: emf.service, slots, collect });
  const listenHttp = (): Promise<number> | undefined => {
    if (config.http === undefined) return undefined;
    const { port, bindAddress } = config.http;
    return httpPortMayMove === true ? http.listenOrNext(port, bindAddress) : http.listen(port, bindAddress);
  };
  const httpPort = await listenHttp();
  if (config.http) log.info(`HTTP listening on ${config.http.bindAddress}:${httpPort}`);

  return {
    ports: { ...ports, http: httpPort },
    async stop() {
      if (stopping) return;
      stopping = true;
      clearInterval(readiness);
      const ends = [...workers].map(([worker, process]) => {
        process.stop();
        return new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      });
      const killer = setTimeout(() => {
        for (const worker of workers.keys()) worker.process.kill('SIGKILL');
      }, config.drainMs + KILL_MARGIN_MS);
      await Promise.all(ends);
      clearTimeout(killer);
      reporter?.close();
      await http.close();
    },
  };
}
