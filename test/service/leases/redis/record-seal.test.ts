import { describe, expect, test } from '@jest/globals';
import { FleetKeys } from '../../../../service/leases/fleet-keys';
import { RecordSeal } from '../../../../service/leases/redis/record-seal';
import { MemoryLogger } from '../../../support/memory-logger';

const stop = {
  channel: 'ch',
  key: 'the-stream-key',
  clientIp: '192.0.2.1',
  query: 'token=of-the-encoder',
};

function sealWith(...secrets: string[]): { seal: RecordSeal; keys: FleetKeys; log: MemoryLogger } {
  const keys = new FleetKeys();
  for (const secret of secrets) keys.use(secret);
  const log = new MemoryLogger();
  return { seal: new RecordSeal(keys, log), keys, log };
}

describe('a record', () => {
  test('shows neither key nor query, and is read by every node with the secret', () => {
    const written = sealWith('secret').seal.close(stop);
    expect(written).not.toMatch(/stream-key|of-the-encoder/);
    expect(JSON.parse(written)).toMatchObject({ clientIp: '192.0.2.1' });
    expect(sealWith('secret').seal.open(written, 'ch')).toEqual(stop);
  });

  test('looks different each time', () => {
    const { seal } = sealWith('secret');
    expect(seal.close(stop)).not.toBe(seal.close(stop));
  });

  test('of before a change of the secret is read after it, by who saw the change and by who was told', () => {
    const written = sealWith('old').seal.close(stop);
    expect(sealWith('old', 'new').seal.open(written, 'ch')).toEqual(stop);
    const late = sealWith('new');
    late.keys.accept('old');
    expect(late.seal.open(written, 'ch')).toEqual(stop);
    expect(late.keys.current?.id).not.toBe(sealWith('old').keys.current?.id);
  });

  test.each<[string, (text: string) => string, string, string?]>([
    ['of another secret', (text) => text, 'another'],
    ['that was moved to another channel', (text) => text, 'secret', 'other'],
    ['that was changed', (text) => text.replace(/.{4}"}$/, 'AAAA"}'), 'secret'],
    ['that was cut off', (text) => text.replace(/(sealed":"[^.]+\.).*"/, '$1AA"'), 'secret'],
  ])('%s is read without its key, and that is said', (_, change, secret, channel = 'ch') => {
    const { seal, log } = sealWith(secret);
    const read = seal.open(change(sealWith('secret').seal.close(stop)), channel);
    expect(read).toMatchObject({ key: '', query: '', channel });
    expect(log.matching(/goes without/)).toHaveLength(1);
  });

  test('is written again under a new secret, if it can be read', () => {
    const { seal, keys } = sealWith('old');
    const written = seal.close(stop);
    expect(seal.renew(written, 'ch')).toBe(written);
    keys.use('new');
    const again = seal.renew(written, 'ch');
    expect(sealWith('new').seal.open(again, 'ch')).toEqual(stop);
    expect(sealWith('unknown').seal.renew(written, 'ch')).toBe(written);
  });

  test('without a secret there is no callback, and nothing to be kept', () => {
    const { seal, log } = sealWith();
    const written = seal.close(stop);
    expect(written).not.toMatch(/stream-key|of-the-encoder|sealed/);
    expect(seal.open(written, 'ch')).toEqual({ ...stop, key: '', query: '' });
    expect(log.entries).toEqual([]);
  });
});

test('keys tell nothing of the secret, and only the latest secrets are kept', () => {
  const { keys } = sealWith('a', 'b', 'c', 'd');
  expect(keys.all).toHaveLength(3);
  const [first] = keys.all;
  expect(first?.records).toHaveLength(32);
  expect(first?.records.equals(first.tokens)).toBe(false);
  keys.use('b');
  expect(keys.all).toHaveLength(3);
});

describe('orders about outputs', () => {
  const orders = '[{"does":"addForward","url":"rtmp://target.example/live/the-secret"}]';

  test('are read by every node with the secret, also after it has changed, and by nobody else', () => {
    const { seal } = sealWith('secret');
    const written = seal.closeOrders(orders, 'ch')!;
    expect(written).not.toContain('the-secret');
    expect(sealWith('secret').seal.openOrders(written, 'ch')).toBe(orders);
    const renewed = sealWith('secret', 'new').seal.renew(written, 'ch');
    expect(sealWith('new').seal.openOrders(renewed, 'ch')).toBe(orders);
    expect(sealWith('secret').seal.openOrders(written, 'other')).toBeUndefined();
    expect(sealWith('another').seal.openOrders(written, 'ch')).toBeUndefined();
  });

  test('are not stored without a secret', () => {
    expect(sealWith().seal.closeOrders(orders, 'ch')).toBeUndefined();
  });
});
