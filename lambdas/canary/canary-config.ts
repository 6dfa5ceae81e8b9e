import { LambdaEnv, type EnvironmentVariables } from '../shared/lambda-env';
import { parseRtmpAddress, type RtmpAddress } from '../../service/round-trip/rtmp-address';

/** One public address to try. */
export interface CanaryTarget {
  /** Value of the metric dimension `Listener`. */
  readonly name: string;
  readonly address: RtmpAddress;
}

export interface CanaryConfig {
  readonly targets: readonly CanaryTarget[];
  /** Secret with the JSON fields `channel`, `key` and, where the channel has one, `playKey`. */
  readonly keyArn: string;
  /** Whether TABLE_NAME and KEY_PEPPER_ARN say where to register the key; they must be given together. */
  readonly registersKey: boolean;
  readonly metricNamespace: string;
  /** PEM text of a private authority for rtmps. */
  readonly tlsCa: string | undefined;
}

const MAX_TARGETS = 10;

function parseTargets(text: string): readonly CanaryTarget[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_TARGETS) return undefined;
  const targets: CanaryTarget[] = [];
  for (const entry of list as unknown[]) {
    const { name, url } = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<string, unknown>;
    const address = typeof url === 'string' ? parseRtmpAddress(url) : undefined;
    if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name) || address === undefined) return undefined;
    targets.push({ name, address });
  }
  return targets;
}

/** @throws EnvironmentError listing every bad variable. */
export function loadCanaryConfig(variables: EnvironmentVariables): CanaryConfig {
  const env = new LambdaEnv(variables);
  const text = env.required('CANARY_TARGETS');
  const targets = parseTargets(text);
  if (targets === undefined && text !== '') {
    env.fault(
      `CANARY_TARGETS is ${text}, must be a JSON list of 1 to ${MAX_TARGETS} {"name", "url"} with rtmp:// or rtmps:// URLs`,
    );
  }
  const config: CanaryConfig = {
    targets: targets ?? [],
    keyArn: env.required('CANARY_KEY_ARN'),
    registersKey: env.optional('TABLE_NAME') !== undefined,
    metricNamespace: env.optional('METRIC_NAMESPACE') ?? 'RtmpFleet',
    tlsCa: env.optionalFile('CANARY_TLS_CA'),
  };
  env.assertValid();
  return Object.freeze(config);
}
