import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { checkDescriptors, checkIoPath, checkNodeVersion } from '../../../service/cli/doctor/machine-checks';
import { chooseIoPath } from '../../../service/net/sockets/io-path';
import { startSecretsManager } from '../../support/aws/secrets-manager';
import { STAND_IN_ENVIRONMENT } from '../../support/aws/stand-in-identity';
import { useEnvironment } from '../../support/environment';
import { cliPath, ensureBundle } from '../../support/servers/server-process';
import { examined, line } from './examined';

const environment = useEnvironment();

test.each([
  ['v24.1.0', /^ok Node\.js v24\.1\.0 is of a tested line$/],
  ['v20.20.2', /^warning .*no security fixes/],
  ['v23.0.0', /^warning .*not of a tested line/],
  ['v20.19.0', /^failed .*too old.*→ Install/],
])('Node.js %s', (version, expected) => {
  expect(line(checkNodeVersion(version))).toMatch(expected);
});

test('the fast way to read sockets works on this Node.js; where its test fails, the reason is told', async () => {
  expect(line(await checkIoPath())).toMatch(/^ok /);
  const broken: typeof chooseIoPath = (log) => chooseIoPath(log, undefined, async () => 'reading with onread');
  expect(line(await checkIoPath(broken))).toMatch(/^warning .*\(reading with onread\).*→ Expect more CPU time/);
});

test('a process that may open few files is told', async () => {
  ensureBundle();
  // The shell lowers its own limit, as a service manager does, and becomes the program.
  const command = 'ulimit -n 512 && exec "$0" "$@"';
  const args = ['-c', command, process.execPath, cliPath, 'doctor', '--json'];
  const child = spawn('sh', args, { cwd: '/', env: { PATH: process.env['PATH'], RTMP_PORT: '0' } });
  const [out] = await Promise.all([text(child.stdout), once(child, 'close')]);
  const { checks } = JSON.parse(out) as { checks: readonly { check: string; mark: string; says: string }[] };
  expect(checks.find(({ check }) => check === 'descriptors')).toMatchObject({
    mark: 'failed',
    says: expect.stringContaining('At most 512 files'),
  });
  expect(line(checkDescriptors(65_536))).toMatch(/^ok /);
  expect(line(checkDescriptors(2_048))).toMatch(/^warning .*→ Raise the limit/);
});

test('faulty settings are named, each with what is allowed, and nothing else is examined', async () => {
  const findings = await examined({ RTMP_PORT: '99999', CALLBACK_URL: 'ftp://handler', JWT_SECRET: 'top secret' });
  expect(line(findings.get('configuration'))).toMatch(/^failed RTMP_PORT is "99999"; allowed: .*65535 → Correct/);
  expect(findings.has('publish')).toBe(false);
  expect([...findings.values()].map(line).join('\n')).not.toContain('top secret');
});

test('a misspelled setting is a warning', async () => {
  const findings = await examined({ RTMP_PORT: '0', CALLBACK_ULR: 'http://127.0.0.1:1/' });
  expect(line(findings.get('configuration'))).toMatch(/^warning CALLBACK_ULR is no setting: is CALLBACK_URL meant\?/);
});

test('a secret that may not be read, or has no such field', async () => {
  const secrets = await startSecretsManager();
  try {
    environment.set({ ...STAND_IN_ENVIRONMENT, AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint });
    const good = secrets.createSecret('jwt', JSON.stringify({ secret: 'a'.repeat(32) }));
    const other = secrets.createSecret('other', JSON.stringify({ password: 'x' }));
    const settings = { RTMP_PORT: '0', CALLBACK_URL: 'http://127.0.0.1:1/' };
    const readable = await examined({ ...settings, JWT_SECRET_ARN: good });
    expect(line(readable.get('secrets.JWT_SECRET_ARN'))).toMatch(/^ok /);
    const wrongField = await examined({ ...settings, JWT_SECRET_ARN: other });
    expect(line(wrongField.get('secrets.JWT_SECRET_ARN'))).toMatch(/^failed .*cannot be read: .*→ .*field "secret"/);
    const missing = await examined({ ...settings, JWT_SECRET_ARN: `${good}-gone` });
    expect(line(missing.get('secrets.JWT_SECRET_ARN'))).toMatch(/^failed .*find the specified secret/);
    expect(line(missing.get('callback'))).toMatch(/^skipped .*cannot be asked without its secret/);
  } finally {
    await secrets.stop();
  }
});
