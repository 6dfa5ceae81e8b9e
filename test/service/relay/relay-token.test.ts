import { describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { FleetKeys } from '../../../service/leases/fleet-keys';
import { type RelayedNode, RelayTokens } from '../../../service/relay/relay-token';

const inRedis = Buffer.alloc(32, 1);

/** One run of a node's process. */
const run = (id: string, incarnation = 'first'): RelayedNode => ({ id, incarnation });

function tokensOf(node: string, ...secrets: string[]): RelayTokens {
  const keys = new FleetKeys();
  for (const secret of secrets) keys.use(secret);
  return new RelayTokens({ keys, fallback: inRedis, self: () => run(node) });
}

describe.each([
  ['a secret outside of Redis', ['of the callback']],
  ['the secret in Redis only', []],
])('with %s', (_, secrets) => {
  test('a token is good for its channel at its node', async () => {
    const token = await tokensOf('a', ...secrets).sign('ch', run('b'));
    expect(await tokensOf('b', ...secrets).verify(token, 'ch')).toBe(true);
    expect(await tokensOf('b', ...secrets).verify(token, 'other')).toBe(false);
    expect(await tokensOf('c', ...secrets).verify(token, 'ch')).toBe(false);
    expect(await tokensOf('a', ...secrets).verify(token, 'ch')).toBe(false);
  });
});

test('a token for a process that is dead is not good for the one in its place', async () => {
  const token = await tokensOf('a').sign('ch', run('b', 'of the dead one'));
  expect(await tokensOf('b').verify(token, 'ch')).toBe(false);
});

test('who reads Redis cannot make a token where there is another secret', async () => {
  const forged = await tokensOf('a').sign('ch', run('b'));
  expect(await tokensOf('b', 'of the callback').verify(forged, 'ch')).toBe(false);
});

test('a token is good while the secret changes, in either order', async () => {
  const old = await tokensOf('a', 'old').sign('ch', run('b'));
  expect(await tokensOf('b', 'old', 'new').verify(old, 'ch')).toBe(true);
  expect(await tokensOf('b', 'other').verify(old, 'ch')).toBe(false);
});

test.each<[string, number, number | undefined, boolean]>([
  ['just made', 0, 30, true],
  ['made long ago, valid for long', -3_600, 7_200, false],
  ['that has expired', -120, 30, false],
  ['without an end', 0, undefined, false],
])('a token %s: %s', async (_, issued, lifetime, good) => {
  const now = Math.floor(Date.now() / 1000);
  const jwt = new SignJWT({ channel: 'ch' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('rtmp-relay')
    .setAudience('b')
    .setIssuedAt(now + issued);
  if (lifetime !== undefined) jwt.setExpirationTime(now + issued + lifetime);
  expect(await tokensOf('b').verify(await jwt.sign(inRedis), 'ch')).toBe(good);
});
