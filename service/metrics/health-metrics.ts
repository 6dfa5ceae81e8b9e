import { Gauge, type Registry } from 'prom-client';

/** How many streams are in which state, and how many have which issue. */
export interface HealthCounts {
  readonly states: Readonly<Record<string, number>>;
  readonly issues: ReadonlyMap<string, number>;
}

/**
 * Shows how well the publishers of this node send.
 *
 * @param codes every code that an issue can have
 */
export function registerHealthMetrics(registry: Registry, codes: readonly string[], counts: () => HealthCounts): void {
  new Gauge({
    name: 'rtmp_stream_health',
    help: 'Streams published on this node, by their health (good, ok, bad, noData).',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      for (const [state, count] of Object.entries(counts().states)) this.set({ state }, count);
    },
  });
  new Gauge({
    name: 'rtmp_stream_issues',
    help: 'Streams published on this node that have an issue now, by its code.',
    labelNames: ['code'],
    registers: [registry],
    collect() {
      const { issues } = counts();
      for (const code of codes) this.set({ code }, issues.get(code) ?? 0);
    },
  });
}
