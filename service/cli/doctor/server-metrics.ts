import type { ServiceConfig } from '../../config/service-config';
import { localHost, PATIENCE_MS, place } from './examination';

/** The values of a running server's `/metrics`, by name and labels as they stand there. */
export type MetricValues = ReadonlyMap<string, number>;

/** Reads the metrics of the server on this machine; undefined where HTTP_PORT is off or does not answer. */
export async function readMetrics(config: Pick<ServiceConfig, 'http'>): Promise<MetricValues | undefined> {
  const { http } = config;
  if (http === undefined || http.port === 0) return undefined;
  try {
    const url = `http://${place(localHost(http.bindAddress), http.port)}/metrics`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), redirect: 'error' });
    return answer.ok ? parseMetrics(await answer.text()) : undefined;
  } catch {
    return undefined;
  }
}

function parseMetrics(text: string): MetricValues {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const end = line.lastIndexOf(' ');
    if (end > 0 && !line.startsWith('#')) values.set(line.slice(0, end), Number(line.slice(end + 1)));
  }
  return values;
}
