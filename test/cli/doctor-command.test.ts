import { expect, test } from '@jest/globals';
import { startTestNode } from '../support/servers/test-node';
import { cli } from './cli-runner';

test('doctor prints a mark, a sentence, the name of the check and what to do', async () => {
  const { code, out } = await cli(['doctor'], { env: { RTMP_PORT: '99999' } });
  expect(code).toBe(1);
  expect(out).toMatch(/^✗ RTMP_PORT is "99999"; allowed: a whole number from 0 to 65535\. \[configuration\]$/m);
  expect(out).toMatch(/^ {4}Correct the value/m);
  expect(out).toMatch(/1 ✗ to correct/);
  expect(out).not.toContain('\u001b');
});

test('on a terminal the marks have colours, but not with --no-color or NO_COLOR', async () => {
  const env = { RTMP_PORT: '99999' };
  expect((await cli(['doctor'], { env, columns: 100 })).out).toContain('\u001b[31m✗');
  expect((await cli(['doctor', '--no-color'], { env, columns: 100 })).out).not.toContain('\u001b');
  expect((await cli(['doctor'], { env: { ...env, NO_COLOR: '1' }, columns: 100 })).out).not.toContain('\u001b');
});

test('with --json it prints every check, and ends with 0 where nothing has failed', async () => {
  const { ports } = await startTestNode();
  const env = { RTMP_PORT: String(ports.rtmp), BIND_ADDRESS: '127.0.0.1' };
  const { code, out, err } = await cli(['doctor', '--json'], { env });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: readonly { check: string; mark: string }[] };
  expect(ok).toBe(true);
  expect(checks).toContainEqual(expect.objectContaining({ check: 'publish', mark: 'ok' }));
}, 60_000);

test.each([
  [['--rtmp', 'http://127.0.0.1'], '--rtmp takes rtmp://HOST'],
  [['--channel', 'news'], 'belong together'],
  [['--channel', 'news', '--key-stdin'], 'no stream key on standard input'],
])('doctor %j is not understood', async (argv, fault) => {
  const { code, err } = await cli(['doctor', ...argv], { env: { RTMP_PORT: '0' } });
  expect(code).toBe(2);
  expect(err).toContain(fault);
});

test('run by npm it takes the HTTP port of npm start, where OPERATOR_TOKEN is used', async () => {
  const env = { RTMP_PORT: '0', OPERATOR_TOKEN: 'a-token-of-the-operator' };
  const unused = 'OPERATOR_TOKEN is not used';
  expect((await cli(['doctor'], { env })).out).toContain(unused);
  const { out } = await cli(['doctor'], { env: { ...env, npm_lifecycle_event: 'fleet' } });
  expect(out).not.toContain(unused);
  expect(out).not.toMatch(/^✗.*\[port\.http\]$/m);
  expect(out).not.toContain('so the server cannot be asked');
}, 60_000);
