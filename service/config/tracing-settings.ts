import type { Environment } from './environment';

const ENDPOINT = 'OTEL_EXPORTER_OTLP_ENDPOINT';
const TRACES_ENDPOINT = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT';

/**
 * Where traces are POSTed; undefined: nothing is traced.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp
 */
export function readTracingSettings(env: Environment): URL | undefined {
  const general = readEndpoint(env, ENDPOINT);
  const ofTraces = readEndpoint(env, TRACES_ENDPOINT);
  if (/^true$/i.test(env.text('OTEL_SDK_DISABLED') ?? '')) return undefined;
  if (ofTraces !== undefined) return ofTraces;
  return general && new URL(`${general.href.replace(/\/$/, '')}/v1/traces`);
}

function readEndpoint(env: Environment, name: string): URL | undefined {
  const endpoint = env.text(name);
  if (endpoint === undefined) return undefined;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  env.fault(name, 'the http:// or https:// address of an OpenTelemetry collector, such as http://127.0.0.1:4318');
  return undefined;
}
