import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { loadOutputsConfig } from '../../../service/config/outputs-config';
import type { Fact } from '../../../service/events/fact';
import type { OutputStatus } from '../../../service/http/api/schemas/output';
import { forwardId } from '../../../service/outputs/forward-id';
import type { StreamTold } from '../../../service/outputs/link/messages';
import type { OutputOpeners, OutputOptions } from '../../../service/outputs/open-outputs';
import { StreamOutputs } from '../../../service/outputs/stream-outputs';
import type { MediaMessage, Output } from '../../../service/outputs/stream/output';
import { MemoryLogger } from '../../support/memory-logger';

/** An output that notes what it is told. */
class Noted implements Output {
  readonly id: string;
  readonly calls: string[] = [];
  failed = false;
  broken = false;

  constructor(
    readonly options: OutputOptions,
    readonly kind: OutputStatus['kind'],
    readonly what: string,
  ) {
    this.id = options.id;
  }

  write({ payload }: MediaMessage): void {
    if (this.broken) throw new Error('broken');
    this.calls.push(`write ${payload.toString()}`);
  }

  flush(): void {
    this.calls.push('flush');
  }

  gap(missingMs: number): void {
    this.calls.push(`gap ${missingMs}`);
  }

  held(): void {
    this.calls.push('held');
  }

  resumed(): void {
    this.calls.push('resumed');
  }

  end({ code }: { readonly code: string }): Promise<void> {
    this.calls.push(`end ${code}`);
    return Promise.resolve();
  }

  status(): OutputStatus {
    const { id, origin } = this.options;
    const shared = { id, origin, since: '2026-01-01T00:00:00.000Z', reason: '', bytes: 0, gaps: 0 };
    if (this.kind === 'forward') {
      const state = this.failed ? 'failed' : 'live';
      return { ...shared, kind: 'forward', target: 'rtmp://host/app', state, attempts: 1, framesDropped: 0 };
    }
    if (this.kind === 'record') {
      const format = this.what === 'mp4' ? 'mp4' : 'flv';
      const state = this.failed ? 'failed' : 'recording';
      return { ...shared, kind: 'record', format, place: '', state, seconds: 0, parts: 1, waitingBytes: 0 };
    }
    return { ...shared, kind: 'hls', state: 'live', url: '', segments: 0, waitingBytes: 0 };
  }
}

let server: Server;
let connections = 0;
const opened: Noted[] = [];
const facts: Fact[] = [];
const streams: StreamOutputs[] = [];

beforeEach(async () => {
  connections = 0;
  opened.length = 0;
  facts.length = 0;
  // A node that takes connections, and says nothing.
  server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  for (const stream of streams.splice(0)) await stream.end({ code: 'stopped', reason: '' });
  server.close();
});

const openers: OutputOpeners = {
  forward: (options, url) => open(new Noted(options, 'forward', url)),
  record: (options, format) => open(new Noted(options, 'record', format)),
  hls: (options) => open(new Noted(options, 'hls', '')),
  nodeListensOn: () => undefined,
  close: () => Promise.resolve(),
};

function open(output: Noted): Noted {
  if (output.what.includes('refused')) throw new Error('the address is private');
  opened.push(output);
  return output;
}

function told(changes: Partial<StreamTold> = {}): StreamTold {
  const { port } = server.address() as AddressInfo;
  return {
    ...{ channel: 'news', run: 'r', streamId: 's', startedAt: 1, policy: {}, held: false },
    place: { host: '127.0.0.1', port, proxyHeader: false },
    ...changes,
  };
}

const KEY = Buffer.from('of the node');

function start(settings: Record<string, string>, changes: Partial<StreamTold> = {}, key = KEY): StreamOutputs {
  const stream = new StreamOutputs({
    config: loadOutputsConfig(settings).config.outputs,
    ...{ told: told(changes), openers, log: new MemoryLogger() },
    sign: () => Promise.resolve('token'),
    forwardId: (url) => forwardId(key, url),
    tell: (fact) => Promise.resolve(facts.push(fact) > 0),
  });
  streams.push(stream);
  return stream;
}

const names = (): string[] => opened.map(({ id, what }) => (what === '' ? id : `${id} ${what}`));
const A = 'rtmp://a.example/live/key';
const B = 'rtmp://b.example/live/key';
const C = 'rtmp://c.example/live/key';
const D = 'rtmp://d.example/live/key';
const [TO_A, TO_B, TO_C, TO_D] = [A, B, C, D].map((url) => forwardId(KEY, url)) as [string, string, string, string];

test('a stream has what the settings say, and its policy before them', () => {
  start({ FORWARD_URLS: A, RECORD_TO: '/r', RECORD_FORMAT: 'flv,mp4', HLS_TO: 'memory' });
  expect(names()).toEqual([`${TO_A} ${A}`, 'record-flv flv', 'record-mp4 mp4', 'hls']);
  opened.length = 0;
  start({ FORWARD_URLS: A, RECORD_TO: '/r', HLS_TO: 'memory' }, { policy: { forward: [B], record: [], hls: false } });
  expect(names()).toEqual([`${TO_B} ${B}`]);
});

test('a stream that nobody wants is not followed', async () => {
  start({ OUTPUTS: 'YES', RECORD_TO: '/r', RECORD_STREAMS: 'asked' });
  await new Promise((resolve) => setImmediate(resolve));
  expect([connections, names()]).toEqual([0, []]);
});

test('another policy of the next publisher ends what it does not name, and keeps the rest', () => {
  const stream = start({ RECORD_TO: '/r' }, { policy: { forward: [A, B] } });
  stream.order({ does: 'addForward', url: C });
  expect(names()).toEqual([`${TO_A} ${A}`, `${TO_B} ${B}`, 'record-flv flv', `${TO_C} ${C}`]);
  stream.held();
  stream.held();
  stream.continues(told({ policy: { forward: [B, D], record: [] } }));
  const calls = Object.fromEntries(opened.map(({ id, calls: own }) => [id, own]));
  expect(calls).toEqual({
    [TO_A]: ['held', 'end policy'],
    [TO_B]: ['held', 'resumed'],
    'record-flv': ['held', 'end policy'],
    [TO_C]: ['held', 'resumed'],
    [TO_D]: ['resumed'],
  });
});

test('orders add and remove outputs', () => {
  const stream = start({ OUTPUTS: 'YES', RECORD_TO: '/r', RECORD_STREAMS: 'asked' });
  expect(stream.order({ does: 'addForward', url: A })).toEqual({ acted: true, detail: `added: ${TO_A}` });
  expect(stream.order({ does: 'addForward', url: A })).toMatchObject({ acted: false });
  expect(stream.order({ does: 'addForward', url: 'rtmp://refused' })).toEqual({
    acted: false,
    detail: 'the address is private',
  });
  expect(stream.order({ does: 'startRecording' })).toMatchObject({ acted: true });
  expect(stream.order({ does: 'startRecording', formats: ['flv', 'mp4'] })).toMatchObject({ acted: true });
  expect(stream.status().map(({ id, origin }) => `${id} ${origin}`)).toEqual([
    `${TO_A} order`,
    'record-flv order',
    'record-mp4 order',
  ]);
  expect(stream.order({ does: 'remove', id: 'hls' })).toMatchObject({ acted: false });
  expect(stream.order({ does: 'remove', id: TO_A })).toMatchObject({ acted: true });
  expect(stream.order({ does: 'stopRecording' })).toMatchObject({ acted: true });
  expect(opened.map(({ calls }) => calls)).toEqual([['end operator'], ['end operator'], ['end operator']]);
  expect(stream.status()).toEqual([]);
});

test('what an operator ended stays away when the publisher is back, until an operator asks for it', () => {
  const settings = { RECORD_TO: '/r', HLS_TO: 'memory', FORWARD_URLS: `${A} ${B}` };
  const stream = start(settings);
  const running = (): string[] => stream.status().map(({ id }) => id);
  stream.order({ does: 'stopRecording' });
  stream.order({ does: 'remove', id: 'hls' });
  stream.order({ does: 'remove', id: TO_A });
  stream.continues(told());
  expect(running()).toEqual([TO_B]);
  // Another format than the one that was stopped is a recording too.
  stream.continues(told({ policy: { record: ['mp4'], hls: true } }));
  expect(running()).toEqual([TO_B]);
  stream.order({ does: 'startRecording' });
  stream.order({ does: 'addForward', url: A });
  stream.continues(told());
  expect(running()).toEqual([TO_B, 'record-flv', TO_A]);
  expect(names().filter((name) => name.endsWith(A))).toHaveLength(2);
});

test('a forward that failed is tried again when it is added again, and one that is removed may come back', () => {
  const stream = start({ FORWARD_URLS: A });
  opened[0]!.failed = true;
  expect(stream.order({ does: 'addForward', url: A })).toEqual({ acted: true, detail: `added: ${TO_A}` });
  expect(opened[0]!.calls).toEqual(['end operator']);
});

test('a recording is not possible without a place, and the reason says what to set', () => {
  const stream = start({ FORWARD_URLS: A });
  expect(stream.order({ does: 'startRecording' })).toMatchObject({
    acted: false,
    detail: expect.stringContaining('RECORD_TO'),
  });
});

test('what was ordered of a former program, or on another node, stands', () => {
  start({ OUTPUTS: 'YES' }, { held: true, ordered: { forwards: [A], records: [], ended: [] } });
  expect(names()).toEqual([`${TO_A} ${A}`]);
  expect(opened[0]!.calls).toEqual(['held']);
});

test('it stands in whatever order the outputs are there: targets that were ended stay away, and no others', () => {
  const settings = { RECORD_TO: '/r', RECORD_STREAMS: 'asked', OUTPUTS: 'YES' };
  const before = start(settings, { policy: { forward: [A, B] } });
  before.order({ does: 'addForward', url: C });
  before.order({ does: 'startRecording', formats: ['mp4'] });
  before.order({ does: 'remove', id: TO_A });
  const { ordered } = before;
  expect(ordered).toEqual({ forwards: [C], records: ['mp4'], ended: [A] });
  opened.length = 0;
  const after = start(settings, { policy: { forward: [B, A] }, ordered });
  expect(names()).toEqual([`${TO_B} ${B}`, `${TO_C} ${C}`, 'record-mp4 mp4']);
  expect(after.ordered).toEqual(ordered);
});

test('an id that was read before a restart or a move names the same target, or none', () => {
  const before = start({ OUTPUTS: 'YES' }, { policy: { forward: [A, B] } });
  const [a, b] = before.status().map(({ id }) => id) as [string, string];
  const again = start({ OUTPUTS: 'YES' }, { policy: { forward: [B, C, A] } });
  again.order({ does: 'remove', id: a });
  expect(again.ordered.ended).toEqual([A]);
  const elsewhere = start({ OUTPUTS: 'YES' }, { policy: { forward: [B, C] } }, Buffer.from('of another node'));
  const ids = elsewhere.status().map(({ id }) => id);
  expect(elsewhere.order({ does: 'remove', id: b })).toEqual({
    acted: false,
    detail: `the stream has no such output, it has: ${ids.join(', ')}`,
  });
  expect(elsewhere.status().map(({ id }) => id)).toEqual(ids);
  expect(start({ OUTPUTS: 'YES' }).order({ does: 'remove', id: b })).toEqual({
    acted: false,
    detail: 'the stream has no such output, and no other',
  });
});

test('a target that was added and ended does not come back, however often', () => {
  const before = start({ OUTPUTS: 'YES' });
  for (let at = 1; at <= 100; at += 1) {
    const url = `rtmp://many${at}.example/live/key`;
    before.order({ does: 'addForward', url });
    before.order({ does: 'remove', id: forwardId(KEY, url) });
  }
  opened.length = 0;
  start({ OUTPUTS: 'YES' }, { ordered: before.ordered });
  expect(names()).toEqual([]);
});

test('the end ends all outputs once, and orders have no effect any more', async () => {
  const stream = start({ FORWARD_URLS: A, HLS_TO: 'memory' });
  await Promise.all([stream.end({ code: 'stopped', reason: 'x' }), stream.end({ code: 'lost', reason: 'y' })]);
  expect(opened.map(({ calls }) => calls)).toEqual([['end stopped'], ['end stopped']]);
  expect(stream.order({ does: 'addForward', url: B })).toEqual({ acted: false, detail: 'the stream has ended' });
});

test('an output with a fault is ended, and the others continue', async () => {
  const { OutputSet } = await import('../../../service/outputs/output-set');
  const log = new MemoryLogger();
  const identity = { channel: 'news', streamId: 's', startedAt: 1 };
  const set = new OutputSet({ identity, tell: (fact) => facts.push(fact), log });
  const options = { id: 'one', origin: 'policy' as const, identity, tell: () => Promise.resolve(true), log };
  const [one, two] = [new Noted(options, 'hls', ''), new Noted({ ...options, id: 'two' }, 'hls', '')];
  const message = { typeId: 9, timestamp: 0, payload: Buffer.from('x'), flags: 2 };
  set.add(one, [message]);
  set.add(two, []);
  one.broken = true;
  set.write(message);
  set.gap(40);
  set.flush();
  expect(one.calls).toEqual(['write x', 'end other']);
  expect(two.calls).toEqual(['write x', 'gap 40', 'flush']);
  expect(log.matching(/an output has a fault/)).toHaveLength(1);
  expect(facts).toEqual([
    { type: 'output.gap', channel: 'news', streamId: 's', output: 'two', kind: 'hls', missingMs: 40 },
  ]);
});
