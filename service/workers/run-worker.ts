import cluster from 'node:cluster';
import type { ServiceConfig } from '../config/service-config';
import type { Logger } from '../logging/logger';
import { startNode } from '../node/node';
import { describeStartFailure } from '../node/start-failure';
import { HTTP_PORT_VARIABLE, SLOT_VARIABLE } from './messages';
import { ParentLink } from './parent-link';

/**
 * Runs this process as one of several workers that share a machine's ports. It ends when the parent tells it to; when
 * the parent dies, `node:cluster` ends it at once.
 */
export async function runWorker(config: ServiceConfig, log: Logger, version: string): Promise<void> {
  let end = (): void => process.exit(0);
  const parent = new ParentLink({
    id: `worker-${cluster.worker?.id ?? 0}`,
    slot: Number(process.env[SLOT_VARIABLE] ?? 0),
    log,
    stopRequested: () => end(),
  });
  try {
    // The parent has the HTTP port and answers there for all workers.
    const drainRequested = (): void => parent.tell({ kind: 'drainRequested' });
    const machineHttpPort = Number(process.env[HTTP_PORT_VARIABLE]) || undefined;
    const own = { ...config, http: undefined };
    const node = await startNode({ config: own, log, version, parent, machineHttpPort, drainRequested });
    end = () => void node.stop().then(() => process.exit(0));
    parent.show(node.state);
    parent.tell({ kind: 'listening', ports: node.ports });
  } catch (error) {
    parent.tell({ kind: 'failed', reason: describeStartFailure(error) });
  }
}
