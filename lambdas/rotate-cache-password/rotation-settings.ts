import { LambdaEnv } from '../shared/lambda-env';
import type { EnvironmentVariables } from '../shared/lambda-env';

export interface RotationSettings {
  /** Secret ARN -> user id. */
  readonly userOf: ReadonlyMap<string, string>;
  readonly endpoint: URL;
}

/** Reads CACHE_USERS and the endpoint of ElastiCache. @throws EnvironmentError listing every bad variable. */
export function loadRotationSettings(variables: EnvironmentVariables): RotationSettings {
  const env = new LambdaEnv(variables);
  const region = env.required('AWS_REGION');
  const userOf = readUsers(env);
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const address = env.optional('AWS_ENDPOINT_URL_ELASTICACHE') ?? `https://elasticache.${region}.${suffix}/`;
  env.assertValid();
  return { userOf, endpoint: new URL(address) };
}

function readUsers(env: LambdaEnv): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  const text = env.required('CACHE_USERS');
  for (const entry of parseList(text)) {
    const { secretArn, userId } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof secretArn === 'string' && typeof userId === 'string') users.set(secretArn, userId);
  }
  if (text !== '' && users.size === 0) env.fault('CACHE_USERS must be a JSON list of {secretArn, userId}');
  return users;
}

function parseList(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
