import { describe, expect, test } from '@jest/globals';
import type { Fact } from '../../../service/events/fact';
import type { OutputsListener, StreamNews } from '../../../service/outputs/host/outputs-line';
import { MachineOutputs } from '../../../service/workers/machine-outputs';
import type { ParentMessage } from '../../../service/workers/messages';

function rig() {
  const told: StreamNews[] = [];
  const sent: Record<string, ParentMessage[]> = { a: [], b: [] };
  const host: { listener?: OutputsListener; finished: number[] } = { finished: [] };
  const machine = new MachineOutputs({
    playKey: Buffer.from('key'),
    tell: (news) => told.push(news),
    listen: (listener) => (host.listener = listener),
    order: () => Promise.resolve({ acted: true, detail: '' }),
    finish: (withinMs) => {
      host.finished.push(withinMs);
      return Promise.resolve();
    },
  });
  for (const id of ['a', 'b']) machine.join({ id, send: (message) => sent[id]!.push(message) });
  return { machine, told, sent, host };
}

function live(channel: string, run: string): StreamNews {
  return {
    what: 'live',
    stream: {
      ...{ channel, run, streamId: '', startedAt: 1, policy: {}, held: false },
      place: { host: '127.0.0.1', port: 1, proxyHeader: false },
    },
  };
}

test('each worker hears of its own streams', () => {
  const { machine, sent, host } = rig();
  machine.tell('a', live('one', 'r1'));
  machine.tell('b', live('two', 'r2'));
  host.listener!.status('two', 'r2', []);
  const gap = { type: 'output.gap', streamId: '', output: 'hls', kind: 'hls', missingMs: 1 } as const;
  const facts: Fact[] = [
    { ...gap, channel: 'two' },
    { ...gap, channel: 'one' },
    { ...gap, channel: 'gone' },
  ];
  for (const fact of facts) host.listener!.fact(fact);
  expect(sent['b']).toEqual([
    { kind: 'outputsStatus', channel: 'two', run: 'r2', outputs: [] },
    { kind: 'outputsFact', fact: facts[0] },
  ]);
  expect(sent['a']!.map((message) => 'fact' in message && message.fact)).toEqual([facts[1], facts[2]]);
});

function ended(channel: string, run: string, code: string): StreamNews {
  return { what: 'ended', channel, run, code, reason: '' };
}

describe('a stream that continues on another worker keeps its outputs', () => {
  const there = { ...live('one', 'r2'), fromElsewhere: true } as StreamNews;

  test.each(['its end there', 'its start here'])('%s is told first', (first) => {
    const { machine, told, sent, host } = rig();
    machine.tell('a', live('one', 'r1'));
    machine.tell('a', { what: 'held', channel: 'one', run: 'r1' });
    const news: [string, StreamNews][] = [
      ['a', ended('one', 'r1', 'moved')],
      ['b', there],
    ];
    for (const [worker, one] of first.startsWith('its end') ? news : news.reverse()) machine.tell(worker, one);
    expect(told.filter(({ what }) => what !== 'held')).toMatchObject([
      { what: 'live', stream: { run: 'r1' } },
      { what: 'live', stream: { run: 'r1' } },
    ]);
    host.listener!.status('one', 'r1', []);
    expect(sent['a']).toEqual([]);
    expect(sent['b']).toEqual([{ kind: 'outputsStatus', channel: 'one', run: 'r2', outputs: [] }]);
    machine.tell('b', ended('one', 'r2', 'stopped'));
    expect(told.at(-1)).toMatchObject({ what: 'ended', run: 'r1', code: 'stopped' });
  });

  test('one that no worker continues ends', async () => {
    const { machine, told } = rig();
    machine.tell('a', live('one', 'r1'));
    machine.tell('a', ended('one', 'r1', 'moved'));
    expect(told.at(-1)).toMatchObject({ what: 'held', run: 'r1' });
    await Promise.all([machine.finish('a', 1), machine.finish('b', 1)]);
    expect(told.at(-1)).toMatchObject({ what: 'ended', run: 'r1', code: 'moved' });
  });

  /** Of a worker here, or of another node. */
  const withOrders = (run: string, ...forwards: string[]): StreamNews => {
    const news = { ...live('one', run), fromElsewhere: true } as Extract<StreamNews, { what: 'live' }>;
    return { ...news, stream: { ...news.stream, ordered: { forwards, records: [], ended: [] } } };
  };
  const [FIRST, SECOND, THIRD] = ['rtmp://a/b/c', 'rtmp://d/e/f', 'rtmp://g/h/i'] as const;

  test.each(['its end there', 'its start here'])(
    'orders of a stay on another node in between stand, with new outputs: %s is told first',
    (first) => {
      const { machine, told } = rig();
      machine.tell('a', withOrders('r1', FIRST));
      const news: [string, StreamNews][] = [
        ['a', ended('one', 'r1', 'moved')],
        ['b', withOrders('r2', FIRST, SECOND)],
      ];
      for (const [worker, one] of first.startsWith('its end') ? news : news.reverse()) machine.tell(worker, one);
      expect(told.filter(({ what }) => what === 'live')).toMatchObject([
        { stream: { run: 'r1', ordered: { forwards: [FIRST] } } },
        { stream: { run: 'r2', ordered: { forwards: [FIRST, SECOND] } } },
      ]);
      machine.tell('b', ended('one', 'r2', 'stopped'));
      expect(told.at(-1)).toMatchObject({ what: 'ended', run: 'r2', code: 'stopped' });
    },
  );

  test('orders of this machine that the stream did not bring along stand', () => {
    const { machine, told, host } = rig();
    machine.tell('a', withOrders('r1', FIRST));
    for (const forwards of [
      [FIRST, SECOND],
      [FIRST, SECOND, THIRD],
    ]) {
      host.listener!.ordered('one', 'r1', { forwards, records: [], ended: [] });
    }
    machine.tell('a', ended('one', 'r1', 'moved'));
    machine.tell('b', withOrders('r2', FIRST, SECOND));
    expect(told.at(-1)).toMatchObject({ what: 'live', stream: { run: 'r1' } });
    machine.tell('b', ended('one', 'r2', 'moved'));
    host.listener!.ordered('one', 'r1', { forwards: [], records: [], ended: [] });
    machine.tell('a', withOrders('r3'));
    expect(told.at(-1)).toMatchObject({ what: 'live', stream: { run: 'r1' } });
  });

  test('another stream of the channel is not one that continues', () => {
    const { machine, told } = rig();
    machine.tell('a', live('one', 'r1'));
    machine.tell('b', live('one', 'r2'));
    expect(told.at(-1)).toMatchObject({ what: 'live', stream: { run: 'r2' } });
  });
});

test('streams of a worker that is gone have ended', () => {
  const { machine, told } = rig();
  machine.tell('a', live('one', 'r1'));
  machine.tell('b', live('two', 'r2'));
  machine.gone('a');
  expect(told.slice(2)).toMatchObject([{ what: 'ended', channel: 'one', run: 'r1', code: 'lost' }]);
});

test('the program finishes when all workers have ended their streams, with the least of their times', async () => {
  const { machine, host } = rig();
  const first = machine.finish('a', 5_000);
  expect(host.finished).toEqual([]);
  await Promise.all([first, machine.finish('b', 3_000)]);
  expect(host.finished).toEqual([3_000]);
});

test('a worker that ends without a word is not waited for', async () => {
  const { machine, host } = rig();
  const finished = machine.finish('a', 5_000);
  machine.gone('b');
  await finished;
  expect(host.finished).toEqual([5_000]);
});
