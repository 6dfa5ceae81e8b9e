import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Socket } from 'node:net';
import { AddressRules } from '../../../service/addresses/address-rules';
import { RequestTurns } from '../../../service/http/request-turns';

let now: number;
let turns: RequestTurns;

beforeEach(() => {
  jest.useFakeTimers();
  now = 1_000;
  turns = new RequestTurns({ exempt: AddressRules.parse(['198.51.100.9']), now: () => now });
});
afterEach(() => {
  turns.close();
  jest.useRealTimers();
});

class FakeSocket {
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
  }
}

const newSocket = (): Socket => new FakeSocket() as unknown as Socket;

/** Asks on a connection of its own and notes when it is the request's turn. */
function ask(address: string, served: string[], name = address, price = 1): Socket {
  const socket = newSocket();
  turns.take(socket, address, price, () => served.push(name));
  return socket;
}

function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed += 20) {
    now += 20;
    jest.advanceTimersByTime(20);
  }
}

/** The address uses up what it has saved. */
function spend(address: string, units = 1_000): void {
  turns.charge(address, units);
}

test('requests within what a client may cost are answered at once', () => {
  const served: string[] = [];
  for (let i = 0; i < 50; i += 1) ask('192.0.2.1', served, 'metrics', 20);
  expect(served).toHaveLength(50);
  ask('192.0.2.1', served, 'one more');
  expect([served.length, turns.waiting]).toEqual([50, 1]);
  pass(20);
  expect([served.length, turns.waiting]).toEqual([51, 0]);
});

test.each([
  ['an IPv4 address', '192.0.2.1', '192.0.2.1'],
  ['an IPv4 address as a dual-stack socket names it', '192.0.2.1', '::ffff:192.0.2.1'],
  ['an IPv6 /64', '2001:db8:0:1::1', '2001:db8:0:1:ffff::2'],
])('%s is one client', (_, first, second) => {
  const served: string[] = [];
  spend(first);
  ask(second, served);
  expect(served).toEqual([]);
  ask('2001:db8:0:2::1', served, 'other');
  expect(served).toEqual(['other']);
});

test('a client with few requests is served while another one floods', () => {
  const served: string[] = [];
  spend('192.0.2.1');
  for (let i = 0; i < 500; i += 1) ask('192.0.2.1', served, 'flood');
  ask('192.0.2.2', served, 'honest');
  expect(served).toEqual(['honest']);
  pass(1_000);
  expect(served.filter((name) => name === 'flood').length).toBeLessThanOrEqual(201);
});

test('many clients together are served in turns, one request each', () => {
  const served: string[] = [];
  for (const client of ['a', 'b', 'c']) spend(client, 900);
  // All have used up what clients may cost together.
  expect(turns.waiting).toBe(0);
  for (const client of ['a', 'a', 'a', 'b', 'c']) ask(client, served, client, 40);
  expect(served).toEqual([]);
  pass(1_000);
  expect(served).toEqual(['a', 'b', 'c', 'a', 'a']);
});

test('a client that would wait too long is disconnected, and its new connections are not wanted', () => {
  const served: string[] = [];
  spend('192.0.2.1', 2_000);
  expect(turns.isSpent('192.0.2.1')).toBe(false);
  expect(ask('192.0.2.1', served, 'slow', 100).destroyed).toBe(false);
  expect(turns.isSpent('192.0.2.1')).toBe(true);
  expect(ask('192.0.2.1', served).destroyed).toBe(true);
  expect(turns.isSpent('192.0.2.2')).toBe(false);
  pass(2_000);
  expect(turns.isSpent('192.0.2.1')).toBe(false);
});

test('a connection with many waiting requests is closed', () => {
  spend('192.0.2.1');
  const socket = newSocket();
  for (let i = 0; i < 8; i += 1) turns.take(socket, '192.0.2.1', 1, () => undefined);
  expect(socket.destroyed).toBe(false);
  turns.take(socket, '192.0.2.1', 1, () => undefined);
  expect(socket.destroyed).toBe(true);
});

test('requests of connections that have ended are neither answered nor paid for', () => {
  const served: string[] = [];
  spend('192.0.2.1');
  for (let i = 0; i < 100; i += 1) ask('192.0.2.1', served, 'left').destroy();
  ask('192.0.2.1', served, 'stayed');
  pass(20);
  expect([served, turns.waiting]).toEqual([['stayed'], 0]);
});

test('addresses of CONCURRENT_LIMIT_WHITELIST are not limited', () => {
  const served: string[] = [];
  spend('198.51.100.9', 1e9);
  for (let i = 0; i < 3_000; i += 1) ask('198.51.100.9', served);
  expect([served.length, turns.isSpent('198.51.100.9')]).toEqual([3_000, false]);
});
