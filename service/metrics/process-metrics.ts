import { readdir } from 'node:fs/promises';
import { Counter, Gauge, type Registry } from 'prom-client';

/**
 * The process metrics that dashboards expect, under their usual names. Not prom-client's default set, which observes
 * every garbage collection and samples the event loop a second time, even when nobody reads the metrics.
 */
export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry];
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time spent, in seconds.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'nodejs_memory_bytes',
    help: 'Memory that the JavaScript engine uses in bytes: its heap, and buffers outside it.',
    labelNames: ['kind'],
    registers,
    collect() {
      const { heapUsed, heapTotal, external } = process.memoryUsage();
      this.set({ kind: 'heap_used' }, heapUsed);
      this.set({ kind: 'heap_total' }, heapTotal);
      this.set({ kind: 'external' }, external);
    },
  });
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process since the Unix epoch in seconds.',
    registers,
  }).set(Math.round(Date.now() / 1000 - process.uptime()));
  if (process.platform !== 'linux') return;
  new Gauge({
    name: 'process_open_fds',
    help: 'Number of open file descriptors.',
    registers,
    async collect() {
      const descriptors = await readdir('/proc/self/fd').catch(() => []);
      // One of them is the directory that is being read.
      this.set(Math.max(0, descriptors.length - 1));
    },
  });
}
