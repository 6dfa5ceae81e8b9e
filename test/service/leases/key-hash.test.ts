import { expect, test } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { FleetKeys } from '../../../service/leases/fleet-keys';
import { KeyHash } from '../../../service/leases/key-hash';

const inRedis = Buffer.from('what lies in Redis');

/** A node that knows these secrets, the one in use first. */
function node(...secrets: readonly string[]): KeyHash {
  const keys = new FleetKeys();
  for (const secret of [...secrets].reverse()) keys.use(secret);
  return new KeyHash(keys, inRedis);
}

test('nodes with one secret agree about a key and about no other', () => {
  const hash = node('secret').of('live', 'key');
  expect(node('secret').matches('live', 'key', hash)).toBe(true);
  for (const wrong of ['other', '', 'key ']) expect(node('secret').matches('live', wrong, hash)).toBe(false);
});

test('who reads Redis can neither try keys against a hash nor make one', () => {
  const fromRedis = createHmac('sha256', inRedis)
    .update(JSON.stringify(['live', 'key']))
    .digest('base64url');
  expect(node('secret').of('live', 'key')).not.toContain(fromRedis);
  expect(node('secret').matches('live', 'key', fromRedis)).toBe(false);
  expect(node('secret').matches('live', 'key', new KeyHash(new FleetKeys(), inRedis).of('live', 'key'))).toBe(false);
});

test('nodes agree while the secret changes, whoever learns of it first', () => {
  const [before, after] = [node('old'), node('new', 'old')];
  expect(before.matches('live', 'key', after.of('live', 'key'))).toBe(true);
  expect(after.matches('live', 'key', before.of('live', 'key'))).toBe(true);
  expect(before.matches('live', 'other', after.of('live', 'key'))).toBe(false);
  expect(node('new').matches('live', 'key', before.of('live', 'key'))).toBe(false);
});

test('without a secret, hashes are under what the fleet keeps in Redis', () => {
  const [one, other] = [new KeyHash(new FleetKeys(), Buffer.from('its own')), node()];
  expect(one.matches('live', 'key', other.of('live', 'key'))).toBe(false);
  one.use(inRedis);
  expect(one.matches('live', 'key', other.of('live', 'key'))).toBe(true);
  expect(one.matches('live', 'key', '')).toBe(false);
});

test('equal keys of two channels have nothing in common', () => {
  const nodes = node('secret');
  expect(nodes.of('live', 'key')).not.toBe(nodes.of('other', 'key'));
  expect(nodes.matches('other', 'key', nodes.of('live', 'key'))).toBe(false);
  expect(nodes.of('a', 'bc')).not.toBe(nodes.of('ab', 'c'));
});
