import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { jwtVerify } from 'jose';
import { fixedSecret, type StartEvent, type StopEvent, signEventToken } from '../../../service/auth/event-token';

const SECRET = 's3cret';
const NOW_MS = Date.UTC(2026, 5, 1, 12, 0, 0, 999);
const NOW_SECONDS = Math.floor(NOW_MS / 1000);

const START: StartEvent = {
  event: 'start',
  jti: 'id-1',
  channel: 'ch',
  key: 'k-1',
  clientIp: '::1',
  query: '',
  rtmpHost: '',
  rtmpPort: 1935,
};
const STOP: StopEvent = {
  event: 'stop',
  jti: 'id-2',
  channel: 'ch',
  key: 'k-1',
  clientIp: '10.0.0.1',
  query: '',
  streamId: 'st-1',
};

/** Verifies a compact JWT with node:crypto alone and gives its header and claims. */
function verify(token: string, secret: string): { header: unknown; claims: Record<string, unknown> } {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const wanted = createHmac('sha256', secret).update(`${header}.${payload}`).digest('base64url');
  expect(signature).toBe(wanted);
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  return { header: read(header), claims: read(payload) as Record<string, unknown> };
}

describe('the rtmp-event token', () => {
  test('of a start has the claims handlers rely on, and no others', async () => {
    const { header, claims } = verify(await signEventToken(START, 'rtmp_event', SECRET, NOW_MS), SECRET);
    expect(header).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(claims).toEqual({
      sub: 'rtmp_event',
      event: 'start',
      channel: 'ch',
      key: 'k-1',
      client_ip: '::1',
      rtmp_host: '',
      rtmp_port: 1935,
      jti: 'id-1',
      iat: NOW_SECONDS,
      exp: NOW_SECONDS + 120,
    });
  });

  test('of a stop carries the stream id, an empty one too', async () => {
    const { claims } = verify(await signEventToken(STOP, 'custom', SECRET, NOW_MS), SECRET);
    expect(claims).toEqual({
      sub: 'custom',
      event: 'stop',
      channel: 'ch',
      key: 'k-1',
      client_ip: '10.0.0.1',
      stream_id: 'st-1',
      jti: 'id-2',
      iat: NOW_SECONDS,
      exp: NOW_SECONDS + 120,
    });
    const nameless = await signEventToken({ ...STOP, streamId: '' }, 'custom', SECRET, NOW_MS);
    expect(verify(nameless, SECRET).claims).toHaveProperty('stream_id', '');
  });

  test('carries the query and the resumed stream when there are any', async () => {
    const event = { ...START, query: 'a=1&b=ü "x"', resume: 'st-0' };
    const { claims } = verify(await signEventToken(event, 'rtmp_event', SECRET, NOW_MS), SECRET);
    expect(claims).toMatchObject({ query: 'a=1&b=ü "x"', resume: 'st-0' });
  });

  test('of a start that is repeated says when it was first asked', async () => {
    const event = { ...START, askedAtMs: NOW_MS - 45_000 };
    const { claims } = verify(await signEventToken(event, 'rtmp_event', SECRET, NOW_MS), SECRET);
    expect(claims).toMatchObject({ iat: NOW_SECONDS - 45, exp: NOW_SECONDS + 120 });
  });

  test('of a stop names the start that it undoes', async () => {
    const { claims } = verify(await signEventToken({ ...STOP, startJti: 'id-1' }, 'custom', SECRET, NOW_MS), SECRET);
    expect(claims).toMatchObject({ jti: 'id-2', start_jti: 'id-1', stream_id: 'st-1' });
  });

  test('of a redelivery differs in its times only', async () => {
    const sign = (atMs: number): Promise<string> => signEventToken(STOP, 'rtmp_event', SECRET, atMs);
    const first = verify(await sign(NOW_MS), SECRET).claims;
    const second = verify(await sign(NOW_MS + 3_600_000), SECRET).claims;
    expect(second).toEqual({ ...first, iat: NOW_SECONDS + 3600, exp: NOW_SECONDS + 3720 });
  });

  test('is accepted by an ordinary JWT library while it is valid', async () => {
    const token = await signEventToken(START, 'rtmp_event', SECRET, NOW_MS);
    const check = (atMs: number): Promise<unknown> =>
      jwtVerify(token, Buffer.from(SECRET), {
        algorithms: ['HS256'],
        subject: 'rtmp_event',
        currentDate: new Date(atMs),
      });
    await expect(check(NOW_MS + 119_000)).resolves.toBeDefined();
    await expect(check(NOW_MS + 121_000)).rejects.toThrow('exp');
  });

  test('is never made with an empty secret', async () => {
    await expect(signEventToken(START, 'rtmp_event', '', NOW_MS)).rejects.toThrow();
  });
});

test('a secret that is a setting stays the same, and there is never another', async () => {
  const secret = fixedSecret(SECRET);
  expect(secret.current()).toBe(SECRET);
  expect(await secret.renew(SECRET)).toBeUndefined();
});
