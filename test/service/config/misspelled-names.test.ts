import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { EnvironmentValues } from '../../../service/config/environment';
import { loadServiceConfig } from '../../../service/config/service-config';
import { repositoryRoot } from '../../support/servers/server-process';

const warnings = (values: EnvironmentValues): readonly string[] => loadServiceConfig(values).warnings;

describe('a variable that is nearly a setting', () => {
  test.each([
    ['CALLBACK_ULR', 'CALLBACK_URL'],
    ['CALLBACK_URI', 'CALLBACK_URL'],
    ['CALBACK_URLS', 'CALLBACK_URL'],
    ['callback_url', 'CALLBACK_URL'],
    ['RTMP_PROT', 'RTMP_PORT'],
    ['SSL_CRT', 'SSL_CERT'],
    ['REDIS_PASWORD', 'REDIS_PASSWORD'],
    ['JWT_SECRETARN', 'JWT_SECRET_ARN'],
    ['PLAY_ALOWED_FROM', 'PLAY_ALLOWED_FROM'],
  ])('%s is warned of', (name, meant) => {
    expect(warnings({ [name]: 'x' })).toEqual([`${name} is no setting: is ${meant} meant?`]);
  });

  test('that is empty changes nothing and is not warned of', () => {
    expect(warnings({ CALLBACK_ULR: '' })).toEqual([]);
  });

  test("beside the proper name is another program's", () => {
    expect(warnings({ REDIS_HOSTS: 'a,b', REDIS_HOST: 'a' })).toEqual([]);
  });
});

test.each([
  ...['REDIS_URL', 'REDIS_USER', 'HTTP_HOST', 'HTTP_PROXY', 'http_proxy', 'HTTPS_PORT', 'SMTP_PORT', 'FTP_PORT'],
  ...['RTSP_PORT', 'LOG_LEVEL', 'LOG_FILE', 'SSL_CERT_DIR', 'SSH_TTY', 'AWS_PROFILE', 'AWS_REGION', 'SHELL', 'PATH'],
  ...['ECS_CONTAINER_METADATA_URI', 'NODE_OPTIONS', 'HOSTNAME', 'CONTROL_SECRET', 'EXTERNAL_PORT', 'LOTS', 'WORK'],
])('%s of other programs is not warned of', (name) => {
  expect(warnings({ [name]: 'x' })).toEqual([]);
});

test('every variable of README.md counts as a setting, also where nothing calls for it', () => {
  const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
  const rows = readme.matchAll(/^\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \|/gm);
  const named = [...rows].flatMap(([, names = '']) => names.match(/[A-Z_]+/g) ?? []);
  expect(named.length).toBeGreaterThan(60);
  // With one letter more the name is near to only one known name.
  for (const name of named.filter((name) => name.length > 5 && !/^CONTROL_|^EXTERNAL_/.test(name))) {
    expect(warnings({ [`${name}X`]: 'x' })).toEqual([`${name}X is no setting: is ${name} meant?`]);
  }
});
