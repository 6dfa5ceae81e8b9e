import { Gauge, type Registry } from 'prom-client';

/** Shows how sockets are read. Each worker process chooses for itself, and nearly always the same. */
export function registerIoPathMetric(registry: Registry, path: string): void {
  new Gauge({
    name: 'rtmp_io_path',
    help: '1 for how sockets are read: onread (into one buffer) or public (documented calls of Node.js alone).',
    labelNames: ['path'],
    aggregator: 'max',
    registers: [registry],
  }).set({ path }, 1);
}
