import { rootCertificates } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '../../service/config/config-error';
import type { EnvironmentValues } from '../../service/config/environment';
import { loadServiceConfig } from '../../service/config/service-config';
import { codeSpans, readDocument, section, tableRows } from './markdown';

const readme = readDocument('README.md');
const migration = section(readme, '### Coming from rtmp-server');
const settings = section(readme, '## Settings').replace(migration, '');

interface Setting {
  readonly name: string;
  readonly fallback: string;
  readonly meaning: string;
}

const documented: readonly Setting[] = tableRows(settings, 'variable').flatMap(
  ([names = '', fallback = '', meaning = '']) => codeSpans(names).map((name) => ({ name, fallback, meaning })),
);
const arn = (name: string): string => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}`;

/** Read only to warn of them, or to refuse them. */
const OF_OTHER_SERVERS = ['CONTROL_USE', 'LOG_TRACE', 'MSG_BUFFER_SIZE'];
const SET_BY_ECS = ['ECS_AGENT_URI', 'ECS_CONTAINER_METADATA_URI_V4'];

/** With every part of the server in use, so that every variable has an effect. */
const everything: EnvironmentValues = {
  SSL_CERT_ARN: arn('cert'),
  SSL_KEY_ARN: arn('key'),
  SSL_CERT_FILE: 'authorities.pem',
  CALLBACK_URL: 'https://callback.example.com/',
  CALLBACK_AUTH: 'sigv4',
  AWS_DEFAULT_REGION: 'eu-west-1',
  OPERATOR_TOKEN_ARN: arn('operator'),
  JWT_SECRET_ARN: arn('jwt'),
  REDIS_USE: 'YES',
  REDIS_TLS: 'YES',
  REDIS_TLS_CA: 'redis.pem',
  REDIS_PASSWORD_ARN: arn('redis'),
  FLEET: 'YES',
  FLEET_TASK_PROTECTION: 'YES',
  PROXY_PROTOCOL: 'v2',
  PROXY_TRUSTED: '10.0.0.0/8',
  HTTP_PORT: '8080',
  METRICS_EMF: 'YES',
  OUTPUTS: 'SIDECAR',
  OUTPUTS_TOKEN_ARN: arn('outputs'),
  HLS_TO: 'memory',
};

const readFile = (): Buffer => Buffer.from(rootCertificates[0]!);

/** The settings that these variables lead to, or the message of the start that fails. */
function outcome(values: EnvironmentValues): unknown {
  try {
    return loadServiceConfig(values, readFile).config;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

/** The two environments in which a variable is tried, each without it. */
function surroundings(name: string): EnvironmentValues[] {
  return [{}, everything].map((values) => Object.fromEntries(Object.entries(values).filter(([key]) => key !== name)));
}

const isRefused = (name: string, value: string): boolean =>
  surroundings(name).some((values) => {
    const result = outcome({ ...values, [name]: value });
    return typeof result === 'string' && result.includes(`${name} `);
  });

/** A value other than the default: another number, the other flag, or any other text. */
function another(fallback: string): string {
  if (/^\d+$/.test(fallback)) return String(Number(fallback) + 1);
  if (fallback === 'YES') return 'NO';
  return fallback === 'NO' ? 'YES' : 'other';
}

/** The names of all variables that the program asks for when every part of it is in use. */
function variablesRead(): Set<string> {
  const asked = new Set<string>();
  const get = (values: EnvironmentValues, name: string | symbol): string | undefined => {
    if (typeof name !== 'string') return undefined;
    asked.add(name);
    return values[name];
  };
  loadServiceConfig(new Proxy(everything, { get }), readFile);
  return asked;
}

describe("README's tables of variables", () => {
  const listed = documented.map(({ name }) => name);

  test('list each variable once', () => {
    expect(listed.filter((name, index) => listed.indexOf(name) !== index)).toEqual([]);
  });

  test('list every variable that the program reads', () => {
    const elsewhere = [...OF_OTHER_SERVERS, ...SET_BY_ECS];
    expect([...variablesRead()].filter((name) => !listed.includes(name)).sort()).toEqual(elsewhere.sort());
  });

  test('are not the place for variables of other servers, and for those that ECS sets', () => {
    const compared = tableRows(migration, '').flatMap(([names = '']) => codeSpans(names));
    expect(compared).toEqual(expect.arrayContaining(OF_OTHER_SERVERS));
    expect(codeSpans(settings)).toEqual(expect.arrayContaining(SET_BY_ECS));
  });

  test('list no variable that the program does not read', () => {
    const read = variablesRead();
    expect(listed.filter((name) => !read.has(name))).toEqual([]);
  });

  test('write defaults that are values in backticks, and all others in words', () => {
    const unmarked = documented.filter(({ fallback }) => /^(?:\d+|YES|NO)?$/.test(fallback));
    expect(unmarked.map(({ name }) => name)).toEqual([]);
  });

  test('give every number its range', () => {
    const numbers = documented.filter(({ fallback }) => /^`\d+`$/.test(fallback));
    expect(numbers.filter(({ meaning }) => !/^\d+\.\.\d+/.test(meaning)).map(({ name }) => name)).toEqual([]);
  });
});

const withDefaults = documented.flatMap(({ name, fallback }) => {
  const value = /^`([^`]+)`$/.exec(fallback)?.[1];
  return value === undefined ? [] : [[name, value] as const];
});

test.each(withDefaults)('%s is %s by default', (name, value) => {
  for (const values of surroundings(name)) {
    expect(outcome({ ...values, [name]: value })).toEqual(outcome(values));
  }
  // If another value changed nothing either, the comparison above would prove nothing.
  const differs = surroundings(name).some(
    (values) => JSON.stringify(outcome({ ...values, [name]: another(value) })) !== JSON.stringify(outcome(values)),
  );
  expect(differs).toBe(true);
});

const withRanges = documented.flatMap(({ name, meaning }) => {
  const [, min, max] = /^(\d+)\.\.(\d+)/.exec(meaning) ?? [];
  return min === undefined || max === undefined ? [] : [[name, Number(min), Number(max)] as const];
});

test.each(withRanges)('%s may be %d to %d', (name, min, max) => {
  const refused = [min, max, max + 1, ...(min > 0 ? [min - 1] : [])].filter((value) => isRefused(name, String(value)));
  expect(refused).toEqual([max + 1, ...(min > 0 ? [min - 1] : [])]);
});
