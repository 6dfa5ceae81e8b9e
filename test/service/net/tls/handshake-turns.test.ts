import { expect, test } from '@jest/globals';
import { HandshakeTurns } from '../../../../service/net/tls/handshake-turns';

const nextTurn = (): Promise<void> => new Promise(setImmediate);

test('a few handshakes begin in each turn of the event loop, in the order in which they came', async () => {
  const turns = new HandshakeTurns();
  const begun: number[] = [];
  for (let n = 0; n < 10; n += 1) {
    turns.take(
      () => false,
      () => begun.push(n),
    );
  }
  const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  expect(begun).toEqual(all.slice(0, 4));
  await nextTurn();
  expect(begun).toEqual(all.slice(0, 8));
  await nextTurn();
  expect(begun).toEqual(all);
});

test('a client that has left meanwhile costs no turn', async () => {
  const turns = new HandshakeTurns();
  const begun: number[] = [];
  const gone = new Set<number>();
  for (let n = 0; n < 12; n += 1) {
    turns.take(
      () => gone.has(n),
      () => begun.push(n),
    );
  }
  for (const n of [4, 5, 6, 7]) gone.add(n);
  await nextTurn();
  expect(begun).toEqual([0, 1, 2, 3, 8, 9, 10, 11]);
});

test('after a pause, handshakes begin at once', async () => {
  const turns = new HandshakeTurns();
  const begun: string[] = [];
  const take = (name: string): void =>
    turns.take(
      () => false,
      () => begun.push(name),
    );
  for (const name of ['a', 'b', 'c', 'd']) take(name);
  await nextTurn();
  await nextTurn();
  take('e');
  expect(begun).toEqual(['a', 'b', 'c', 'd', 'e']);
});
