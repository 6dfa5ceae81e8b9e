import type { Socket } from 'node:net';
import { AggregatorRegistry } from 'prom-client';
import type { ServiceConfig } from '../config/service-config';
import { lifePolicy } from '../fleet/open-member';
import { ownId } from '../fleet/own-id';
import { MemoryLives } from '../leases/memory-lives';
import { type Readiness, STARTING } from '../http/http-server';
import { type PlayRequest, targetOf } from '../http/flv/play-request';
import { openHttp } from '../http/open-http';
import { openHlsDoor } from '../node/open-hls-door';
import type { Logger } from '../logging/logger';
import { openEmfReporter } from '../metrics/open-emf-reporter';
import { openConnectionLimits } from '../net/gate/open-connection-limits';
import { outlivesErrors } from '../net/sockets/accepted-socket';
import { takeHandle } from '../net/sockets/socket-handle';
import type { RunningService } from '../node/node';
import { openOutputsHost } from '../node/open-outputs';
import { NameGrammar } from '../protocol/name-grammar';
import { NameRules } from '../session/rtmp-commands/name-rules';
import { openReading } from './open-reading';
import { InheritedStops } from './inherited-stops';
import { MachineOutputs } from './machine-outputs';
import { mergeReports } from './merge-reports';
import { WorkerPool } from './worker-pool';
import { workersMachine } from './workers-machine';

export interface SupervisorOptions {
  readonly config: ServiceConfig;
  readonly log: Logger;
  readonly httpPortMayMove?: boolean;
  /** An operator wants this machine drained and ended. */
  readonly drainRequested?: () => void;
}

const CHECK_MS = 2_000;

/**
 * Runs the node as several processes that share its ports and act as one server. This process takes no connections: it
 * keeps the lives of all channels and limits that the workers share, and answers for all of them on the HTTP port.
 *
 * @throws OperatorError when the first workers cannot start
 */
export async function startWorkers(options: SupervisorOptions): Promise<RunningService> {
  const { config, log } = options;
  // Protection and ECS's intentions concern the whole task: several processes do not handle them yet.
  if (config.fleet?.taskProtection) log.warning('FLEET_TASK_PROTECTION is not used: it needs WORKERS=1');

  let clientPorts: readonly number[] = [];
  const outputs =
    config.outputs.run === 'none'
      ? undefined
      : openOutputsHost({ config, node: () => ownId(process.pid), ports: () => clientPorts, log });
  const pool = new WorkerPool({
    outputs: outputs && new MachineOutputs(outputs.host),
    count: config.workers,
    lives: new MemoryLives(lifePolicy(config)),
    limits: openConnectionLimits(config.limits),
    drainMs: config.drainMs,
    log,
    stops: new InheritedStops(config, log),
    drainRequested: () => options.drainRequested?.(),
  });
  const names = new NameRules(new NameGrammar(config.rtmp.names));
  const handOn = (request: PlayRequest, socket: Socket): void => {
    outlivesErrors(socket);
    // Not from within the HTTP parser, which reads the connection itself until somebody else listens.
    setImmediate(() => {
      socket.on('data', () => undefined);
      const handle = takeHandle(socket);
      socket.destroy();
      if (handle !== undefined) pool.passHttpPlayer(request, targetOf(request.url, names)?.channel ?? '', handle);
    });
  };
  let readiness: Readiness = STARTING;
  const machine = workersMachine(pool);
  const http = await openHttp({
    config,
    log,
    portMayMove: options.httpPortMayMove === true,
    ready: () => readiness,
    machine,
    streams: async () => mergeReports((await pool.ask('streams')).flat()),
    player: config.httpPlaying.maxPlayers === 0 ? undefined : { play: (request, socket) => handOn(request, socket) },
    hls: openHlsDoor({
      config,
      host: outputs?.host,
      async admits(channel, key) {
        const answers = await pool.ask('admitsViewer', channel, key);
        return (
          answers.find((answer) => answer === 'yes') ?? answers.find((answer) => answer !== 'noStream') ?? 'noStream'
        );
      },
    }),
    metrics: {
      contentType: new AggregatorRegistry().contentType,
      scrape: async () => {
        const metrics = await pool.ask('metrics');
        return AggregatorRegistry.aggregate(metrics.map((ofOne) => [...ofOne])).metrics();
      },
    },
  });

  await outputs?.host.start();
  const ports = await pool.start(http?.portForNodes(config.fleet?.advertiseHost ?? ''));
  clientPorts = [ports.rtmp, ...(ports.rtmps === undefined ? [] : [ports.rtmps])];
  let stopping = false;
  const check = async (): Promise<void> => {
    const checked = await pool.check();
    if (!stopping) readiness = checked;
  };
  await check();
  const checks = setInterval(() => void check(), CHECK_MS);
  const reporter = openEmfReporter(config.nodeMetrics, () => pool.ask('figures'));
  const reading = openReading(config, machine, log);

  return {
    ports: { ...ports, http: http?.port },
    async stop() {
      if (stopping) return;
      stopping = true;
      readiness = { ready: false, reason: 'shutting down' };
      await reading?.close();
      // Meanwhile workers that hang are still found and ended, and this process gets their stops.
      await pool.stop();
      // The workers have waited for it; what is left has no time.
      await outputs?.host.finish(0);
      outputs?.close();
      clearInterval(checks);
      reporter?.close();
      await http?.close();
    },
  };
}
