import { describe, expect, test } from '@jest/globals';
import { FleetKeys } from '../../../../service/leases/fleet-keys';
import { RecordSeal } from '../../../../service/leases/redis/record-seal';
import { MemoryLogger } from '../../../support/memory-logger';

const stop = {
  jti: 'jti-1',
  channel: 'ch',
  key: 'the-stream-key',
  clientIp: '192.0.2.1',
  query: 'token=of-the-encoder',
  streamId: 'id',
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
    expect(JSON.parse(written)).toMatchObject({ jti: 'jti-1', channel: 'ch', streamId: 'id' });
    expect(sealWith('secret').seal.open(written)).toEqual(stop);
  });

  test('looks different each time', () => {
    const { seal } = sealWith('secret');
    expect(seal.close(stop)).not.toBe(seal.close(stop));
  });

  test('of before a change of the secret is read after it, by who saw the change and by who was told', () => {
    const written = sealWith('old').seal.close(stop);
    expect(sealWith('old', 'new').seal.open(written)).toEqual(stop);
    const late = sealWith('new');
    late.keys.accept('old');
    expect(late.seal.open(written)).toEqual(stop);
    expect(late.keys.current?.id).not.toBe(sealWith('old').keys.current?.id);
  });

  test.each<[string, (text: string) => string, string]>([
    ['of another secret', (text) => text, 'another'],
    ['that was moved to another stream', (text) => text.replace('jti-1', 'jti-2'), 'secret'],
    ['that was changed', (text) => text.replace(/.{4}"}$/, 'AAAA"}'), 'secret'],
    ['that was cut off', (text) => text.replace(/(sealed":"[^.]+\.).*"/, '$1AA"'), 'secret'],
  ])('%s is read without its key, and that is said', (_, change, secret) => {
    const { seal, log } = sealWith(secret);
    const read = seal.open(change(sealWith('secret').seal.close(stop)));
    expect(read).toMatchObject({ key: '', query: '', channel: 'ch' });
    expect(log.matching(/goes without/)).toHaveLength(1);
  });

  test('without a secret there is no callback, and nothing to be kept', () => {
    const { seal, log } = sealWith();
    const written = seal.close(stop);
    expect(written).not.toMatch(/stream-key|of-the-encoder|sealed/);
    expect(seal.open(written)).toEqual({ ...stop, key: '', query: '' });
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
