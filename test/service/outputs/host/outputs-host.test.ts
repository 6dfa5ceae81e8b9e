import { afterEach, expect, test } from '@jest/globals';
import type { Fact } from '../../../../service/events/fact';
import type { OutputStatus } from '../../../../service/http/api/schemas/output';
import { OutputsHost } from '../../../../service/outputs/host/outputs-host';
import { LinkClient } from '../../../../service/outputs/link/link-client';
import type { FromNode, StreamTold } from '../../../../service/outputs/link/messages';
import type { Ordered } from '../../../../service/outputs/link/ordered';
import { Backoff } from '../../../../service/time/backoff';
import { MemoryLogger } from '../../../support/memory-logger';

const TOKEN = 'a-token-of-sixteen-characters';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const STATUS: OutputStatus = {
  ...{ kind: 'hls', id: 'hls', since: '2026-01-01T00:00:00.000Z', origin: 'policy', reason: '' },
  ...{ bytes: 1, gaps: 0, state: 'live', url: '/hls/news/index.m3u8', segments: 1, waitingBytes: 0 },
};

function told(run: string, channel = 'news'): StreamTold {
  return {
    ...{ channel, run, streamId: 's1', startedAt: 1, policy: {}, held: false },
    place: { host: '127.0.0.1', port: 1935, proxyHeader: false },
  };
}

/** A host with a sidecar's port, and programs that connect to it. */
async function open({ firstMs }: { firstMs?: number } = {}) {
  const log = new MemoryLogger();
  // A port of its own for each test: the kernel chooses it.
  const host = new OutputsHost({
    config: { run: 'sidecar', link: { port: 0, token: TOKEN } },
    ...{ token: () => TOKEN, node: () => 'node', ports: () => [1935], program: '', log },
    ...(firstMs !== undefined && { firstMs }),
  });
  const facts: Fact[] = [];
  const statuses: (readonly OutputStatus[])[] = [];
  const orders: { readonly run: string; readonly ordered: Ordered }[] = [];
  const waiting = new Set<() => void>();
  const heard = (): void => waiting.forEach((look) => look());
  host.listen({
    status: (_channel, _run, outputs) => {
      statuses.push(outputs);
      heard();
    },
    ordered: (_channel, run, ordered) => {
      orders.push({ run, ordered });
      heard();
    },
    fact: (fact) => {
      facts.push(fact);
      heard();
    },
  });
  await host.start();
  closers.push(() => host.close());
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  const connect = async () => {
    const messages: FromNode[] = [];
    const client = new LinkClient({
      ...{ port: host.port, token: () => TOKEN, log: new MemoryLogger(), backoff: new Backoff(10, 20) },
      opened: () => client.send({ kind: 'program', pid: 1, httpPort: 8_081 }),
      message: (message) => {
        messages.push(message);
        heard();
      },
      lost: () => undefined,
    });
    closers.push(() => client.close());
    client.connect();
    await until(() => messages.length > 0);
    return { client, messages };
  };
  return { host, facts, statuses, orders, until, connect, log };
}

test('a program hears of the streams there are, and then of changes', async () => {
  const { host, connect, until } = await open();
  host.tell({ what: 'live', stream: told('r1') });
  host.tell({ what: 'live', stream: told('r2', 'other') });
  host.tell({ what: 'ended', channel: 'other', run: 'r2', code: 'stopped', reason: 'x' });
  const { messages } = await connect();
  expect(messages[0]).toMatchObject({ kind: 'hello', node: 'node', ports: [1935], runs: ['r1'] });
  host.tell({ what: 'held', channel: 'news', run: 'r1' });
  host.tell({ what: 'live', stream: { ...told('r1'), policy: { hls: true }, startedAt: 99 } });
  host.tell({ what: 'ended', channel: 'news', run: 'r1', code: 'stopped', reason: 'The publisher stopped' });
  // Of a run that is not the channel's, nothing is told.
  host.tell({ what: 'held', channel: 'news', run: 'r1' });
  host.tell({ what: 'live', stream: told('r3') });
  await until(() => messages.length === 6);
  expect(messages.slice(1)).toMatchObject([
    { kind: 'stream', stream: { run: 'r1', held: false } },
    { kind: 'held', run: 'r1' },
    { kind: 'stream', stream: { run: 'r1', policy: { hls: true }, startedAt: 1, held: false } },
    { kind: 'ended', run: 'r1', code: 'stopped' },
    { kind: 'stream', stream: { run: 'r3' } },
  ]);
});

test('a program hears of streams whose targets together are longer than one message may be', async () => {
  const { host, connect, until } = await open();
  const forward = Array.from({ length: 64 }, (_, at) => `rtmp://a.example/live/${String(at).padStart(4_000, 'k')}`);
  const count = 20;
  for (let at = 0; at < count; at += 1) {
    host.tell({ what: 'live', stream: { ...told(`r${at}`, `channel${at}`), policy: { forward } } });
  }
  const { messages } = await connect();
  await until(() => messages.length === 1 + count);
  expect(messages.at(-1)).toMatchObject({ kind: 'stream', stream: { run: `r${count - 1}` } });
});

test('orders are answered, and a program that is started again hears what stands', async () => {
  const { host, connect, until, log, orders } = await open();
  expect(await host.order('news', { does: 'stopRecording' })).toMatchObject({ acted: false });
  host.tell({ what: 'live', stream: told('r1') });
  expect(await host.order('news', { does: 'stopRecording' })).toMatchObject({ detail: 'rtmp-outputs is not running' });
  const first = await connect();
  const added = host.order('news', { does: 'addForward', url: 'rtmp://a.example/live/key' });
  await until(() => first.messages.length === 3);
  expect(first.messages[2]).toMatchObject({ kind: 'order', id: 1, channel: 'news', order: { does: 'addForward' } });
  const ordered = { forwards: ['rtmp://a.example/live/key'], records: [], ended: [] };
  first.client.send({ kind: 'ordered', channel: 'news', run: 'r1', ordered });
  first.client.send({ kind: 'answer', id: 1, acted: true, detail: 'added: forward-1' });
  expect(await added).toEqual({ acted: true, detail: 'added: forward-1' });
  expect(orders).toEqual([{ run: 'r1', ordered }]);
  const refused = host.order('news', { does: 'remove', id: 'x' });
  await until(() => first.messages.length === 4);
  first.client.send({ kind: 'answer', id: 2, acted: false, detail: 'the stream has no such output' });
  expect(await refused).toMatchObject({ acted: false });
  const unanswered = host.order('news', { does: 'remove', id: 'y' });
  await first.client.close();
  expect(await unanswered).toMatchObject({ acted: false });
  const second = await connect();
  await until(() => second.messages.length === 2);
  expect(second.messages[1]).toMatchObject({ stream: { ordered } });
  const lines = JSON.stringify(log.entries);
  expect(lines).toContain('addForward');
  expect(lines).not.toContain('live/key');
});

test('what stands after an order is kept when its answer is lost, and never passes to another stream', async () => {
  const { host, connect, until, orders } = await open();
  host.tell({ what: 'live', stream: told('r1') });
  const first = await connect();
  const ordered = { forwards: ['rtmp://a.example/live/key'], records: [], ended: [] };
  void host.order('news', { does: 'addForward', url: ordered.forwards[0]! });
  await until(() => first.messages.length === 3);
  expect(first.messages[2]).toMatchObject({ kind: 'order', run: 'r1' });
  first.client.send({ kind: 'ordered', channel: 'news', run: 'r1', ordered });
  await until(() => orders.length === 1);
  await first.client.close();
  const second = await connect();
  await until(() => second.messages.length === 2);
  expect(second.messages[1]).toMatchObject({ stream: { run: 'r1', ordered } });
  // Another stream has the channel by the time that the program tells.
  host.tell({ what: 'ended', channel: 'news', run: 'r1', code: 'stopped', reason: 'x' });
  host.tell({ what: 'live', stream: told('r2') });
  second.client.send({ kind: 'ordered', channel: 'news', run: 'r1', ordered });
  second.client.send({ kind: 'ordered', channel: 'news', run: 'r2', ordered: { ...ordered, forwards: [] } });
  await until(() => orders.length === 2);
  expect(orders[1]).toMatchObject({ run: 'r2', ordered: { forwards: [] } });
});

test('what was lost with a program is told: it is down, it is up, and what outputs missed', async () => {
  const { host, facts, statuses, connect, until } = await open();
  host.tell({ what: 'live', stream: told('r1') });
  const { client } = await connect();
  client.send({ kind: 'status', channel: 'news', run: 'r1', outputs: [STATUS] });
  client.send({ kind: 'status', channel: 'news', run: 'another', outputs: [] });
  await until(() => statuses.length === 1);
  expect(statuses).toEqual([[STATUS]]);
  expect(host.http).toEqual({ port: 8_081, token: TOKEN });
  await client.close();
  await until(() => facts.length === 1);
  expect(facts).toMatchObject([{ type: 'outputs.down' }]);
  expect(statuses.at(-1)).toEqual([]);
  expect(host.http).toBeUndefined();
  await connect();
  await until(() => facts.length === 3);
  expect(facts.slice(1)).toMatchObject([
    { type: 'outputs.up' },
    { type: 'output.gap', channel: 'news', streamId: 's1', output: 'hls', kind: 'hls' },
  ]);
});

test('only events of outputs reach the bus, and only with the fields that they have', async () => {
  const { facts, connect, until } = await open();
  const { client } = await connect();
  const send = (fact: Record<string, unknown> & { type: string }): void => client.send({ kind: 'fact', fact });
  const gap = { type: 'output.gap', channel: 'news', streamId: '', output: 'hls', kind: 'hls' };
  send({ type: 'node.left', subject: 'node' });
  send({ ...gap, missingMs: 'much' });
  send({ ...gap, missingMs: 7, node: 'another', id: 'x', at: 'never' });
  await until(() => facts.length === 1);
  expect(facts).toEqual([{ ...gap, missingMs: 7 }]);
});

test('a fact with a number is confirmed, also one that is not understood', async () => {
  const { facts, connect, until } = await open();
  const { client, messages } = await connect();
  const gap = { type: 'output.gap', channel: 'news', streamId: '', output: 'hls', kind: 'hls', missingMs: 7 };
  client.send({ kind: 'fact', number: 3, fact: gap });
  client.send({ kind: 'fact', number: 4, fact: { type: 'recording.done' } });
  await until(() => messages.length === 3);
  expect(messages.slice(1)).toEqual([
    { kind: 'confirmed', number: 3 },
    { kind: 'confirmed', number: 4 },
  ]);
  expect(facts).toEqual([gap]);
});

test('at its end, the node waits until the program has completed its outputs', async () => {
  const { host, connect, until } = await open();
  const { client, messages } = await connect();
  const finished = host.finish(60_000);
  await until(() => messages.length === 2);
  expect(messages[1]).toMatchObject({ kind: 'finish' });
  client.send({ kind: 'finished' });
  await finished;
  // Without a program there is nothing to wait for.
  await (await open()).host.finish(60_000);
});

test('a program that never connects is told of as lost, and as back when it comes', async () => {
  const { facts, until, connect } = await open({ firstMs: 0 });
  await until(() => facts.length === 1);
  expect(facts).toEqual([{ type: 'outputs.down', reason: 'rtmp-outputs has not connected since the node started' }]);
  await connect();
  expect(facts.at(-1)).toEqual({ type: 'outputs.up' });
});
