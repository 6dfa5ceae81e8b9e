import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { SecretSource, SecretUnavailableError } from '../../../service/aws/secret-source';
import { MemoryLogger } from '../../support/memory-logger';
import { ManualClock, settled } from '../time/manual-clock';

const REFRESH_MS = 300_000;

let clock: ManualClock;
let log: MemoryLogger;
let reads: number;
let answer: () => Promise<string>;
let source: SecretSource | undefined;
beforeEach(() => {
  clock = new ManualClock();
  log = new MemoryLogger();
  reads = 0;
  answer = () => Promise.resolve('first');
});
afterEach(() => source?.close());

function open(): SecretSource {
  const read = (): Promise<string> => {
    reads += 1;
    return answer();
  };
  source = new SecretSource({
    name: 'JWT_SECRET_ARN',
    read,
    refreshMs: REFRESH_MS,
    log,
    clock,
    random: () => 0.5,
  });
  return source;
}

const away = (): Promise<string> => Promise.reject(new Error('keeper is away'));

describe('a secret kept elsewhere', () => {
  test('is read once for however many ask', async () => {
    const secret = open();
    expect(await Promise.all([secret.current(), secret.current(), secret.current()])).toEqual([
      'first',
      'first',
      'first',
    ]);
    await clock.advance(60_000);
    expect(await secret.current()).toBe('first');
    expect(reads).toBe(1);
  });

  test('is read again in the background within the refresh time, and a new one is told', async () => {
    const secret = open();
    const told: string[] = [];
    secret.follow((value) => told.push(value));
    await secret.current();
    answer = () => Promise.resolve('second');
    await clock.advance(REFRESH_MS);
    expect(reads).toBe(2);
    expect(await secret.current()).toBe('second');
    expect(told).toEqual(['first', 'second']);
    expect(log.matching(/^info JWT_SECRET_ARN has changed/)).toHaveLength(1);
    expect(log.lines.join()).not.toMatch(/first|second/);
  });

  test('whose keeper is away serves on as it was, for days, with a line at either end', async () => {
    const secret = open();
    await secret.current();
    answer = away;
    await clock.advance(48 * 3_600_000);
    expect(await secret.current()).toBe('first');
    const [warning, ...more] = log.matching(/^warning/);
    expect(warning).toMatchObject({ message: 'JWT_SECRET_ARN cannot be read, what was read before serves' });
    expect(warning?.fields).toEqual({ reason: 'Error: keeper is away' });
    expect(more).toEqual([]);
    answer = () => Promise.resolve('second');
    await clock.advance(60_000);
    expect(await secret.current()).toBe('second');
    expect(log.matching(/^info JWT_SECRET_ARN can be read again/)).toHaveLength(1);
  });

  test('that was never read cannot be had, at once and not after a wait, until the keeper is back', async () => {
    answer = away;
    const secret = open();
    await expect(secret.current()).rejects.toThrow(SecretUnavailableError);
    expect(secret.isKnown).toBe(false);
    await clock.advance(3_600_000);
    expect(reads).toBeGreaterThan(100);
    expect(log.matching(/^warning/)).toHaveLength(1);
    answer = () => Promise.resolve('late');
    await clock.advance(10_000);
    expect(await secret.current()).toBe('late');
    expect(secret.isKnown).toBe(true);
  });

  test('is waited for while it is being read for the first time', async () => {
    let give: ((value: string) => void) | undefined;
    answer = () => new Promise((resolve) => (give = resolve));
    const current = open().current();
    await settled();
    give?.('slow');
    expect(await current).toBe('slow');
  });

  test('is read no more after close', async () => {
    const secret = open();
    await secret.current();
    secret.close();
    await clock.advance(10 * REFRESH_MS);
    expect(reads).toBe(1);
    expect(await secret.current()).toBe('first');
  });
});

describe('a secret that was refused', () => {
  test('is looked up at once, by all who were refused together', async () => {
    const secret = open();
    await secret.current();
    await clock.advance(20_000);
    answer = () => Promise.resolve('second');
    expect(await Promise.all([secret.renew('first'), secret.renew('first')])).toEqual(['second', 'second']);
    expect(await secret.renew('first')).toBe('second');
    expect(reads).toBe(2);
  });

  test('is not looked up again and again, however often it is refused', async () => {
    const secret = open();
    await secret.current();
    for (let second = 0; second < 60; second += 1) {
      await clock.advance(1_000);
      expect(await secret.renew('first')).toBeUndefined();
    }
    expect(reads).toBeLessThanOrEqual(7);
  });

  test('and whose keeper is away stays what it is', async () => {
    const secret = open();
    await secret.current();
    await clock.advance(20_000);
    answer = away;
    expect(await secret.renew('first')).toBeUndefined();
    expect(await secret.current()).toBe('first');
  });
});
