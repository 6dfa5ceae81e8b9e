import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Writable } from 'node:stream';
import { createLogger } from '../../../service/logging/create-logger';
import type { Logger } from '../../../service/logging/logger';
import { addressGroup } from '../../../service/addresses/address-group';

const levels = { error: true, warning: true, info: true, request: true, debug: true };
let lines: string[];
let log: Logger;

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  lines = [];
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      lines.push(chunk.trimEnd());
      done();
    },
  });
  log = createLogger({ format: 'text', levels, stream, addressGroup });
});

afterEach(() => {
  jest.useRealTimers();
});

const count = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;

test('an address may write 1,000 lines at once and 20 a second from then on, whatever they are', () => {
  const session = log.child({ session: 1, ip: '192.0.2.1' });
  for (let number = 0; number < 5_000; number += 1) {
    session.request('connect');
    session.warning('closed');
    session.debug('command');
    log.request('connection refused', { ip: '192.0.2.1' });
  }
  expect(lines).toHaveLength(1_000);
  jest.advanceTimersByTime(3_000);
  for (let number = 0; number < 5_000; number += 1) session.request('later');
  expect(count(/later/)).toBe(60);
});

test('what was left out is counted every ten seconds, until there is nothing more', () => {
  const session = log.child({ session: 1, ip: '192.0.2.1' });
  for (let number = 0; number < 1_500; number += 1) session.request('connect');
  jest.advanceTimersByTime(10_000);
  expect(lines.slice(1_000).map((line) => line.replace(/^\[.*?\] /, ''))).toEqual([
    '[WARNING] (192.0.2.1) log lines were left out lines=500 seconds=10',
  ]);
  jest.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(1_001);
  expect(jest.getTimerCount()).toBe(0);
});

test('other addresses do not lose a line to it; those of one /64 share', () => {
  for (let number = 0; number < 3_000; number += 1) log.request('flood', { ip: `2001:db8::${number.toString(16)}` });
  expect(lines).toHaveLength(1_000);
  log.request('honest', { ip: '2001:db8:0:1::1' });
  expect(count(/honest/)).toBe(1);
});

test('all addresses together may write 10,000 lines at once and 500 a second; the worst ten are named', () => {
  for (let host = 0; host < 200; host += 1) {
    for (let number = 0; number < 100; number += 1) log.request('flood', { ip: `192.0.2.${host}` });
  }
  expect(lines).toHaveLength(10_000);
  jest.advanceTimersByTime(2_000);
  for (let number = 0; number < 3_000; number += 1) log.request('later', { ip: `198.51.100.${number % 250}` });
  expect(count(/later/)).toBe(1_000);
  jest.advanceTimersByTime(8_000);
  const summaries = lines.filter((line) => line.includes('left out'));
  expect(summaries).toHaveLength(11);
  const leftOut = summaries.reduce((sum, line) => sum + Number(/lines=(\d+)/.exec(line)![1]), 0);
  expect(leftOut).toBe(10_000 + 2_000);
});

test('what the node says of itself is never left out, and a flood without an address is bounded', () => {
  for (let number = 0; number < 20_000; number += 1) log.request('flood');
  log.error('error', { ip: '192.0.2.1' });
  log.warning('warning');
  log.info('info');
  expect(count(/flood/)).toBe(10_000);
  expect([count(/\[ERROR\]/), count(/\[WARNING\]/), count(/\[INFO\]/)]).toEqual([1, 1, 1]);
});
