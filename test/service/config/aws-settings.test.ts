import { describe, expect, test } from '@jest/globals';
import { AddressRules } from '../../../service/addresses/address-rules';
import { ConfigError } from '../../../service/config/config-error';
import type { EnvironmentValues } from '../../../service/config/environment';
import { loadServiceConfig } from '../../../service/config/service-config';

const ARN = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:jwt-AbCdEf';
const CALLBACK = { CALLBACK_URL: 'https://abc123.lambda-url.eu-central-1.on.aws/', JWT_SECRET: 'sesame' };

const load = (values: EnvironmentValues) => loadServiceConfig(values).config;
const warnings = (values: EnvironmentValues) => loadServiceConfig(values).warnings;

function faultsOf(values: EnvironmentValues): string[] {
  try {
    loadServiceConfig(values);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(({ variable, problem }) => `${variable} ${problem}`);
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('PROXY protocol', () => {
  test.each(['v1', 'v2', 'any'])('%s does not start without the load balancers that may send a header', (mode) => {
    expect(faultsOf({ PROXY_PROTOCOL: mode })).toEqual([expect.stringMatching(/^PROXY_TRUSTED is not set; allowed: /)]);
    expect(faultsOf({ PROXY_PROTOCOL: mode, PROXY_TRUSTED: '' })).toHaveLength(1);
    expect(load({ PROXY_PROTOCOL: mode, PROXY_TRUSTED: '10.0.0.1' }).proxy).toEqual({
      mode,
      trusted: AddressRules.parse(['10.0.0.1']),
      direct: AddressRules.parse([]),
    });
  });

  test('a list of nothing but commas trusts nobody, which cannot be meant', () => {
    expect(faultsOf({ PROXY_PROTOCOL: 'v2', PROXY_TRUSTED: ' , ' })).toHaveLength(1);
    expect(faultsOf({ PROXY_PROTOCOL: 'v2', PROXY_TRUSTED: '10.0.0.0/99' })).toHaveLength(1);
  });

  test('trusting everybody works, with a warning', () => {
    expect(faultsOf({ PROXY_PROTOCOL: 'any', PROXY_TRUSTED: '10.0.0.1', PROXY_DIRECT: '*' })).toHaveLength(1);
    const values = { PROXY_PROTOCOL: 'any', PROXY_TRUSTED: '*' };
    expect(load(values).proxy?.trusted.allowsEveryone).toBe(true);
    expect(warnings(values)).toEqual([expect.stringContaining('can pose as any client address')]);
  });

  test('load balancers without the protocol are pointed out', () => {
    expect(load({ PROXY_TRUSTED: '10.0.0.1' }).proxy).toBeUndefined();
    expect(warnings({ PROXY_TRUSTED: '10.0.0.1' })).toEqual([expect.stringContaining('PROXY_PROTOCOL is off')]);
  });

  test.each(['v3', 'on', 'V2', 'YES'])('%s is no version', (mode) => {
    expect(faultsOf({ PROXY_PROTOCOL: mode })[0]).toContain('off or v1 or v2 or any');
  });
});

describe('secrets by ARN', () => {
  test('name where the secret lives and which field of a JSON object it is', () => {
    const stored = { arn: ARN, region: 'eu-west-1' };
    const config = load({
      CALLBACK_URL: 'http://h/cb',
      JWT_SECRET_ARN: ARN,
      REDIS_USE: 'YES',
      REDIS_PASSWORD_ARN: ARN,
      REDIS_PASSWORD_FIELD: 'token',
      SSL_CERT_ARN: ARN,
      SSL_KEY_ARN: ARN,
    });
    expect(config.callback?.jwtSecret).toEqual({ ...stored, field: 'secret' });
    expect(config.redis?.password).toEqual({ ...stored, field: 'token' });
    expect(config.tls).toMatchObject({ cert: { ...stored, field: 'cert' }, key: { ...stored, field: 'key' } });
  });

  test('the other partitions of AWS have ARNs too', () => {
    const arn = 'arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:team/jwt';
    expect(load({ CALLBACK_URL: 'http://h/cb', JWT_SECRET_ARN: arn }).callback?.jwtSecret).toMatchObject({
      region: 'us-gov-west-1',
    });
  });

  test.each([
    ['JWT_SECRET', { CALLBACK_URL: 'http://h/cb' }],
    ['REDIS_PASSWORD', { REDIS_USE: 'YES' }],
    ['SSL_CERT', {}],
    ['SSL_KEY', {}],
  ])('%s and its ARN together are a fault that does not show the secret', (name, more) => {
    const [fault] = faultsOf({ ...more, [name]: 'hunter2', [`${name}_ARN`]: ARN });
    expect(fault).toMatch(new RegExp(`^${name}_ARN .*\\(${name} is set too\\); allowed: one of`));
    expect(fault).not.toContain('hunter2');
  });

  test.each(['jwt', 'arn:aws:s3:::bucket', 'arn:aws:secretsmanager:eu-west-1:12:secret:x', `${ARN} x`])(
    '%j is no ARN of a secret',
    (arn) => expect(faultsOf({ CALLBACK_URL: 'http://h/cb', JWT_SECRET_ARN: arn })[0]).toContain('the ARN of a'),
  );

  test('one half of a certificate leaves RTMPS off, with a warning', () => {
    expect(load({ SSL_CERT_ARN: ARN }).tls).toBeUndefined();
    expect(warnings({ SSL_CERT_ARN: ARN })).toEqual([expect.stringContaining('RTMPS is off')]);
  });
});

describe('CALLBACK_AUTH=sigv4', () => {
  test('signs for the region in the name of a Function URL', () => {
    const values = { ...CALLBACK, CALLBACK_AUTH: 'sigv4', AWS_REGION: 'us-east-1' };
    expect(load(values).callback?.sigv4).toEqual({ region: 'eu-central-1' });
  });

  test('signs for AWS_REGION where the URL names none, and does not start without either', () => {
    const values = { ...CALLBACK, CALLBACK_URL: 'https://auth.example.com/', CALLBACK_AUTH: 'sigv4' };
    expect(load({ ...values, AWS_DEFAULT_REGION: 'us-east-2' }).callback?.sigv4).toEqual({ region: 'us-east-2' });
    expect(faultsOf(values)).toEqual([expect.stringMatching(/^AWS_REGION is not set/)]);
  });

  test('cannot go with credentials in the URL: a request has one Authorization header', () => {
    const url = 'https://user:hunter2@abc123.lambda-url.eu-central-1.on.aws/';
    const [fault] = faultsOf({ ...CALLBACK, CALLBACK_URL: url, CALLBACK_AUTH: 'sigv4' });
    expect(fault).toMatch(/^CALLBACK_AUTH /);
    expect(fault).not.toContain('hunter2');
  });

  test('is off unless asked for', () => {
    expect(load(CALLBACK).callback?.sigv4).toBeUndefined();
  });
});

test('a metadata address that is no URL does not keep the service from starting', () => {
  const values = { ECS_CONTAINER_METADATA_URI_V4: 'nonsense' };
  expect(load(values).taskMetadataUrl).toBeUndefined();
  expect(warnings(values)).toEqual([expect.stringContaining('not used')]);
});
