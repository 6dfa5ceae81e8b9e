import { Gauge, type Registry } from 'prom-client';

/** The present state of the batching. */
export interface BatchingState {
  readonly mode: string;
  /** How long media may wait (ms). */
  readonly intervalMs: number;
}

/**
 * Shows how media is sent (at once, audio with the next video frame, or on a shared tick) and how long it may be held.
 */
export function registerBatchingMetrics(registry: Registry, batching: BatchingState): void {
  new Gauge({
    name: 'rtmp_batching_mode',
    help: '1 for the mode in use: at-once, ride-along or tick.',
    labelNames: ['mode'],
    registers: [registry],
    collect() {
      this.reset();
      this.set({ mode: batching.mode }, 1);
    },
  });
  new Gauge({
    name: 'rtmp_batching_hold_seconds',
    help: 'The most that batching adds to a frame on its way now.',
    registers: [registry],
    collect() {
      this.set(batching.intervalMs / 1000);
    },
  });
}
