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
  const { cap, add, answering } = open(2);
  const [first, second] = [add('a'), add('a')];
  answering(first, true);
  const third = add('a');
  expect([first.destroyed, second.destroyed, third.destroyed]).toEqual([false, true, false]);
  answering(third, true);
  expect(add('b').destroyed).toBe(true);
  answering(first, false);
  expect(add('b').destroyed).toBe(false);
  expect([first.destroyed, cap.size]).toEqual([true, 2]);
});

test('a connection whose request has not arrived whole gives way like an idle one', () => {
  const { add, answering } = open(2);
  const [first, second] = [add('a'), add('a')];
  const request = { complete: false };
  answering(first, true);
  answering(second, true, request);
  expect([add('b').destroyed, first.destroyed, second.destroyed]).toEqual([false, false, true]);
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
