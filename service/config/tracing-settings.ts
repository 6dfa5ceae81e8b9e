import type { Environment } from './environment';

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';

/** The OpenTelemetry collector that traces are sent to; undefined: nothing is traced. */
export function readTracingSettings(env: Environment): URL | undefined {
  const endpoint = env.text(ENDPOINT);
  if (endpoint === undefined) return undefined;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  env.fault(ENDPOINT, 'the http:// or https:// address of an OpenTelemetry collector, such as http://127.0.0.1:4318');
  return undefined;
}
