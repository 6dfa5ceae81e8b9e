import { expect, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { ConnectionCap } from '../../../service/http/connection-cap';

class FakeSocket extends EventEmitter {
  destroyed = false;

  constructor(readonly remoteAddress: string | undefined) {
    super();
  }

  destroy(): void {
    this.destroyed = true;
  }
}

function open(max: number) {
  const cap = new ConnectionCap(max);
  const add = (address: string | undefined): FakeSocket => {
    const socket = new FakeSocket(address);
    cap.add(socket as unknown as Socket);
    return socket;
  };
  const request = { complete: true };
  const answering = (socket: FakeSocket, is: boolean, asked = request): void => {
    if (is) cap.beginAnswer(socket as unknown as Socket, asked);
    else cap.endAnswer(socket as unknown as Socket, asked);
  };
  return { cap, add, answering };
}

test('at the limit the oldest connection gives way to a new one', () => {
  const { cap, add } = open(3);
  const sockets = ['a', 'a', 'a', 'a', 'a'].map(add);
  expect(sockets.map((socket) => socket.destroyed)).toEqual([true, true, false, false, false]);
  sockets[0]!.emit('close');
  expect(cap.size).toBe(3);
});

test('the address that has most gives way first, an IPv6 client with all of its /64', () => {
  const { add } = open(4);
  const sockets = ['192.0.2.1', '2001:db8::1', '2001:db8::2', '192.0.2.2', '192.0.2.3'].map(add);
  expect(sockets.map((socket) => socket.destroyed)).toEqual([false, true, false, false, false]);
});

test('a connection whose answer is being made stays; when all are, the new one goes', () => {
  const { cap, add, answering } = open(8);
  const sockets = ['a', 'a', 'b', 'b', 'c', 'c', 'd', 'd'].map(add);
  for (const socket of sockets.slice(1)) answering(socket, true);
  const next = add('e');
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, ...Array<boolean>(7).fill(false)]);
  answering(next, true);
  expect(add('f').destroyed).toBe(true);
  answering(sockets[7]!, false);
  expect(add('f').destroyed).toBe(false);
  expect([sockets[7]!.destroyed, cap.size]).toEqual([true, 8]);
});

test('of an address with more than a quarter of all connections, answers in progress protect none', () => {
  const { add, answering } = open(8);
  const greedy = ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8::4'].map(add);
  const others = ['a', 'b', 'c', 'd'].map(add);
  for (const socket of [...greedy, ...others]) answering(socket, true);
  const next = add('e');
  expect([next.destroyed, ...others.map(({ destroyed }) => destroyed)]).toEqual(Array(5).fill(false));
  expect(greedy.map(({ destroyed }) => destroyed)).toEqual([true, false, false, false]);
});

test("a load balancer's connections count for the clients that it names", () => {
  const { cap, add } = open(4);
  const proxied = ['10.0.0.1', '10.0.0.1', '10.0.0.1'].map(add);
  proxied.forEach((socket, index) => cap.belongsTo(socket as unknown as Socket, `192.0.2.${index}`));
  const [first] = ['198.51.100.1', '198.51.100.1'].map(add);
  expect([proxied[0]!.destroyed, first!.destroyed]).toEqual([true, false]);
  add('203.0.113.1');
  expect([proxied[1]!.destroyed, first!.destroyed]).toEqual([false, true]);
});

test('a connection whose request has not arrived whole gives way like an idle one', () => {
  const { add, answering } = open(8);
  const [first, second] = [add('a'), add('a')];
  for (const other of ['b', 'c', 'd', 'e', 'f', 'g']) add(other);
  const request = { complete: false };
  answering(first, true);
  answering(second, true, request);
  expect([add('h').destroyed, first.destroyed, second.destroyed]).toEqual([false, false, true]);
});

test('a connection that closes makes room, and one that is gone already takes none', () => {
  const { cap, add } = open(2);
  const first = add('a');
  add(undefined);
  expect(cap.size).toBe(1);
  add('a');
  first.emit('close');
  expect(cap.size).toBe(1);
  add('a');
  expect(first.destroyed).toBe(false);
});
