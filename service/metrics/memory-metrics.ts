import { Counter, Gauge, type Registry } from 'prom-client';

/** The state of the memory guard. */
export interface MemoryState {
  readonly budgetBytes: number;
  readonly usedBytes: number;
  readonly relieved: { readonly caches: number; readonly players: number };
}

/** Shows the memory budget, its use, and what was dropped to stay within it. */
export function registerMemoryMetrics(registry: Registry, memory: MemoryState): void {
  new Gauge({
    name: 'rtmp_memory_budget_bytes',
    help: 'What media and other buffers may take (MEMORY_BUDGET_MB).',
    registers: [registry],
    collect() {
      this.set(memory.budgetBytes);
    },
  });
  new Gauge({
    name: 'rtmp_memory_used_bytes',
    help: 'What media and other buffers take now.',
    registers: [registry],
    collect() {
      this.set(memory.usedBytes);
    },
  });
  new Counter({
    name: 'rtmp_memory_relief_total',
    help: 'Cached starts dropped, and slow players disconnected, to stay within the memory budget.',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      this.reset();
      this.inc({ kind: 'cache' }, memory.relieved.caches);
      this.inc({ kind: 'player' }, memory.relieved.players);
    },
  });
}
