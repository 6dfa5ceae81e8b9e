import { describeError } from '../../service/errors/error-text';
import type { WriteLine } from '../shared/lambda-logger';
import type { CanaryTarget } from './canary-config';
import type { CanaryKey } from './canary-key';
import { metricLine, type ListenerResult } from './canary-metrics';
import type { RtmpAddress } from '../../service/round-trip/rtmp-address';

export interface CanaryDependencies {
  readonly targets: readonly CanaryTarget[];
  readonly metricNamespace: string;
  readonly readKey: () => Promise<CanaryKey>;
  /** Registers the key in the keys table; absent where an external callback decides on publishers. */
  readonly registerKey?: (key: CanaryKey) => Promise<void>;
  /** Publishes and plays once; rejects when anything played differs from what was sent. */
  readonly tryListener: (address: RtmpAddress, key: CanaryKey) => Promise<void>;
  /** Takes the metric lines. */
  readonly write: WriteLine;
}

/** Masks keys, which the service's refusals may quote. */
function withoutKeys(text: string, keys: readonly string[]): string {
  return keys.reduce((masked, key) => masked.replaceAll(key, '***'), text);
}

/**
 * Tries every listener, one after the other because they share a channel, and writes one metric line for each. Never
 * rejects: a canary that fails is a metric, not an error of the function.
 */
export async function runCanary(dependencies: CanaryDependencies): Promise<readonly ListenerResult[]> {
  const { targets, metricNamespace, readKey, registerKey, tryListener, write } = dependencies;
  const results: ListenerResult[] = [];
  for (const { name: listener, address } of targets) {
    const startedAtMs = Date.now();
    let keys: readonly string[] = [];
    let error: string | undefined;
    try {
      const key = await readKey();
      keys = [key.key, key.playKey];
      await registerKey?.(key);
      await tryListener(address, key);
    } catch (failure) {
      error = withoutKeys(describeError(failure), keys);
    }
    const result = { listener, success: error === undefined, durationMs: Date.now() - startedAtMs, error };
    write(metricLine(metricNamespace, result, new Date()));
    results.push(result);
  }
  return results;
}
