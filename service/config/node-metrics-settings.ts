import type { Environment } from './environment';

/** How a node reports its metrics, in addition to the page for Prometheus. */
export interface NodeMetricsConfig {
  /** SLOTS: publishers that fill this node; measures utilisation, limits nothing. */
  readonly slots: number;
  /** Present when a line of CloudWatch metrics is written every minute. */
  readonly emf: { readonly service: string } | undefined;
}

/** Values that CloudWatch accepts for a dimension, up to a sensible length. */
const DIMENSION_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

export function readNodeMetricsSettings(env: Environment): NodeMetricsConfig {
  const used = env.flag('METRICS_EMF', false);
  const slots = env.integer('SLOTS', { min: 1, max: 100_000, fallback: 40 });
  const service = env.text('METRICS_SERVICE') ?? 'rtmp-ingest';
  if (!DIMENSION_VALUE.test(service)) env.fault('METRICS_SERVICE', '1 to 255 printable ASCII characters');
  return { slots, emf: used ? { service } : undefined };
}
