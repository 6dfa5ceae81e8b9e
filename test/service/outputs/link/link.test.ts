import { afterEach, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { type LinkedProgram, LinkServer } from '../../../../service/outputs/host/link-server';
import { LinkClient } from '../../../../service/outputs/link/link-client';
import {
  type FromNode,
  type FromProgram,
  LINK_PATH,
  MAX_MESSAGE_BYTES,
} from '../../../../service/outputs/link/messages';
import { Backoff } from '../../../../service/time/backoff';
import { MemoryLogger } from '../../../support/memory-logger';

const TOKEN = 'a-token-of-sixteen-characters';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Things that happened, to be awaited one after the other. */
class Inbox<T> {
  readonly #waiting: ((item: T) => void)[] = [];
  readonly #items: T[] = [];

  readonly add = (item: T): void => {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  };

  next(): Promise<T> {
    const item = this.#items.shift();
    return item === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(item);
  }
}

async function serve(port = 0, token = TOKEN) {
  const opened = new Inbox<LinkedProgram>();
  const messages = new Inbox<FromProgram>();
  const lost = new Inbox<null>();
  const log = new MemoryLogger();
  const server = new LinkServer({
    token: () => token,
    log,
    opened: opened.add,
    message: messages.add,
    lost: () => lost.add(null),
  });
  const listening = await server.listen(port);
  closers.push(() => server.close());
  return { server, port: listening, opened, messages, lost, log };
}

function link(port: number, token = TOKEN) {
  const opened = new Inbox<null>();
  const messages = new Inbox<FromNode>();
  const lost = new Inbox<null>();
  const log = new MemoryLogger();
  const client = new LinkClient({
    ...{ port, log, token: () => token, message: messages.add },
    opened: () => opened.add(null),
    lost: () => lost.add(null),
    backoff: new Backoff(10, 20),
  });
  closers.push(() => client.close());
  client.connect();
  return { client, opened, messages, lost, log };
}

const HELLO: FromNode = { kind: 'hello', node: 'n', playKey: 'a2V5', ports: [1935], runs: [] };
const ANSWER: FromProgram = { kind: 'answer', id: 1, acted: true, detail: 'added: forward-1' };

test('both ends get what the other one sends', async () => {
  const node = await serve();
  const program = link(node.port);
  (await node.opened.next()).send(HELLO);
  expect(await program.messages.next()).toEqual(HELLO);
  program.client.send(ANSWER);
  expect(await node.messages.next()).toEqual(ANSWER);
});

test('a wrong token opens nothing, and the log does not show it', async () => {
  const node = await serve();
  const program = link(node.port, 'another-token-of-characters');
  await program.log.waitFor(/no link to the node/);
  expect(node.log.lines.join()).toContain('a program without the right token');
  expect(node.log.lines.join() + program.log.lines.join()).not.toContain('another-token');
  expect(program.client.isOpen).toBe(false);
});

test('the program connects again when the node is back, and facts of the meantime arrive', async () => {
  const node = await serve();
  const program = link(node.port);
  await node.opened.next();
  node.server.close();
  await program.lost.next();
  program.client.send({ kind: 'fact', fact: { type: 'outputs.up' } });
  program.client.send({ kind: 'status', channel: 'c', run: 'r', outputs: [] });
  const again = await serve(node.port);
  await again.opened.next();
  // The status was of the past.
  program.client.send(ANSWER);
  expect(await again.messages.next()).toEqual({ kind: 'fact', fact: { type: 'outputs.up' } });
  expect(await again.messages.next()).toEqual(ANSWER);
});

test('a second program takes the place of the first', async () => {
  const node = await serve();
  const first = link(node.port);
  await node.opened.next();
  await first.client.close();
  await node.lost.next();
  link(node.port);
  (await node.opened.next()).send(HELLO);
});

test('a second program is refused as long as the first one answers, and a log line says so', async () => {
  const node = await serve();
  const first = link(node.port);
  (await node.opened.next()).send(HELLO);
  const second = link(node.port);
  await node.log.waitFor(/a second rtmp-outputs wants to connect/);
  await second.log.waitFor(/no link to the node.*another rtmp-outputs has the streams/);
  first.client.send(ANSWER);
  expect(await node.messages.next()).toEqual(ANSWER);
  expect(second.client.isOpen).toBe(false);
  await first.client.close();
  await second.opened.next();
});

test('strangers with idle connections do not keep the program out', async () => {
  const node = await serve();
  const idle = await Promise.all(
    Array.from({ length: 64 }, async () => {
      const socket = connect(node.port, '127.0.0.1');
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    }),
  );
  const program = link(node.port);
  await program.opened.next();
  for (const socket of idle) socket.destroy();
});

test('what cannot be understood is left out, and too long a message ends the connection', async () => {
  const node = await serve();
  const socket = new WebSocket(`ws://127.0.0.1:${node.port}${LINK_PATH}`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('open', resolve));
  await node.opened.next();
  for (const text of ['', '{', '[]', '{"kind":"other"}', '{"kind":"answer","id":"1"}']) socket.send(text);
  socket.send(Buffer.from([1, 2, 3]));
  socket.send(JSON.stringify(ANSWER));
  expect(await node.messages.next()).toEqual(ANSWER);
  expect(node.log.matching(/cannot be understood/)).toHaveLength(6);
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  socket.send('x'.repeat(MAX_MESSAGE_BYTES + 1));
  expect(await closed).toBe(1009);
  await node.lost.next();
});
