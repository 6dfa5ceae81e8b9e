import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { jwtVerify } from 'jose';
import { type CallbackScript, type CallbackServer, startCallbackServer } from '../../support/servers/callback-server';
import { freePort } from '../../support/servers/redis-server';
import { startTestNode } from '../../support/servers/test-node';
import { examined, line } from './examined';

const SECRET = 'a secret of more than thirty-two bytes';
let handler: CallbackServer;
let settings: Record<string, string>;

beforeEach(async () => {
  handler = await startCallbackServer();
  settings = { RTMP_PORT: '0', CALLBACK_URL: handler.url.href, JWT_SECRET: SECRET };
});
afterEach(() => handler.stop());

/** The signature is checked by jose; the answers are given per signature and key. */
async function isSigned(token: unknown, secret = SECRET): Promise<boolean> {
  return jwtVerify(String(token), Buffer.from(secret), { algorithms: ['HS256'] }).then(
    () => true,
    () => false,
  );
}

/** Makes the handler answer by a rule that may wait: what is known of each token is looked up first. */
async function answers(
  rule: (signed: boolean, claims: Readonly<Record<string, unknown>>) => ReturnType<CallbackScript>,
) {
  const { createHmac } = await import('node:crypto');
  handler.answerWith(({ headers, claims }) => {
    const [head, body, signature] = String(headers['rtmp-event']).split('.');
    const expected = createHmac('sha256', SECRET).update(`${head}.${body}`).digest('base64url');
    return rule(signature === expected, claims);
  });
}

test('a good handler: 401 to a wrong signature, 403 to a wrong key', async () => {
  await answers((signed) => ({ status: signed ? 403 : 401 }));
  const findings = await examined(settings);
  expect(line(findings.get('callback.answers'))).toMatch(/^ok .*status 403/);
  expect(line(findings.get('callback.signature'))).toMatch(/^ok .*accepts our signature and refuses that of another/);
  expect(line(findings.get('callback.wrong_key'))).toMatch(/^ok /);
  expect(line(findings.get('callback.speed'))).toMatch(/^(ok|warning) .* \d+ ms/);
  expect(await isSigned(handler.requests[0]?.headers['rtmp-event'])).toBe(true);
  expect(await isSigned(handler.requests[1]?.headers['rtmp-event'])).toBe(false);
  expect(findings.get('publish')).toMatchObject({ mark: 'skipped', todo: expect.stringContaining('--key-stdin') });
});

test('the signature is not verified: a forged token is accepted, and undone', async () => {
  handler.answerWith(({ claims }) => ({ headers: { 'stream-id': `id of ${String(claims['channel'])}` } }));
  const findings = await examined(settings);
  expect(line(findings.get('callback.signature'))).toMatch(
    /^failed .*accepts a token that is signed with another secret → Verify/,
  );
  expect(line(findings.get('callback.wrong_key'))).toMatch(/^warning .*accepts a random channel and key/);
  const of = (event: string) =>
    handler.requests.filter(({ claims }) => claims['event'] === event).map(({ claims }) => claims);
  expect(of('stop').map((claims) => [claims['start_jti'], claims['stream_id']])).toEqual(
    of('start').map((claims) => [claims['jti'], `id of ${String(claims['channel'])}`]),
  );
});

test('every key is accepted, but only with our signature', async () => {
  await answers((signed) => ({ status: signed ? 200 : 401 }));
  const findings = await examined(settings);
  expect(line(findings.get('callback.signature'))).toMatch(/^ok /);
  expect(line(findings.get('callback.wrong_key'))).toMatch(/^warning /);
});

test('the handler has another secret', async () => {
  await answers((signed) => ({ status: signed ? 403 : 401 }));
  const findings = await examined({ ...settings, JWT_SECRET: 'another secret of thirty-two bytes!!' });
  expect(line(findings.get('callback.signature'))).toMatch(/^failed .*does not accept our signature .*→ JWT_SECRET/);
  expect(line(findings.get('callback.wrong_key'))).toMatch(/^skipped /);
});

test('a handler that answers the same to both proves nothing', async () => {
  handler.answerWith(() => ({ status: 403 }));
  const findings = await examined(settings);
  expect(line(findings.get('callback.signature'))).toMatch(/^skipped .*403 to a wrong key and to a wrong signature/);
});

describe('the handler cannot be used', () => {
  test('nothing listens', async () => {
    const findings = await examined({ ...settings, CALLBACK_URL: `http://127.0.0.1:${await freePort()}/` });
    expect(line(findings.get('callback.answers'))).toMatch(
      /^failed .*cannot be reached: ECONNREFUSED → Check CALLBACK_URL/,
    );
  });

  test('it is too slow for CALLBACK_TIMEOUT_SECONDS', async () => {
    handler.answerWith(() => ({ neverAnswer: true }));
    const findings = await examined({ ...settings, CALLBACK_TIMEOUT_SECONDS: '1' });
    expect(line(findings.get('callback.answers'))).toMatch(
      /^failed .*did not answer within 1 s → Make the handler faster/,
    );
  });

  test.each([
    [404, /^failed .*status 404 → Check the path/],
    [500, /^failed .*status 500 → Its log/],
    [302, /^failed .*status 302/],
  ])('it answers with status %d', async (status, expected) => {
    handler.answerWith(() => ({ status }));
    expect(line((await examined(settings)).get('callback.answers'))).toMatch(expected);
  });

  test('AWS answers in its place', async () => {
    handler.answerWith(() => ({ status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' } }));
    const findings = await examined(settings);
    expect(line(findings.get('callback.answers'))).toMatch(/^failed AWS answers in place of .*AccessDeniedException/);
  });
});

test('a handler that is slow is told, with the time it took', async () => {
  handler.answerWith(() => ({ status: 403, delayMs: 1_200 }));
  expect(line((await examined(settings)).get('callback.speed'))).toMatch(/^warning The handler takes \d{4,} ms → /);
}, 60_000);

describe('a test stream with a key', () => {
  const channel = { channel: 'test', key: 'the-key', playKey: 'the-key' };

  test('is published as the handler allows, and comes back', async () => {
    await answers((signed, { key }) => ({ status: !signed ? 401 : key === channel.key ? 200 : 403 }));
    const node = await startTestNode({ CALLBACK_URL: handler.url.href, JWT_SECRET: SECRET });
    const findings = await examined(
      { ...settings, RTMP_PORT: String(node.ports.rtmp), BIND_ADDRESS: '127.0.0.1' },
      { channel },
    );
    expect(line(findings.get('publish'))).toMatch(/^ok .*\/test with the built-in publisher came back/);
  }, 60_000);

  test('is refused: the reason is told, but not the key', async () => {
    handler.answerWith(() => ({ status: 403 }));
    const node = await startTestNode({ CALLBACK_URL: handler.url.href, JWT_SECRET: SECRET });
    const findings = await examined(
      { ...settings, RTMP_PORT: String(node.ports.rtmp), BIND_ADDRESS: '127.0.0.1' },
      { channel },
    );
    expect(line(findings.get('publish'))).toMatch(/^failed .*did not come back: refused: NetStream\.Publish\.Denied/);
    expect(line(findings.get('publish'))).not.toContain('the-key');
  }, 60_000);
});
