import { describe, expect, test } from '@jest/globals';
import { EventBus } from '../../../service/events/event-bus';
import { Event } from '../../../service/http/api/schemas/event';
import { Refusal } from '../../../service/http/api/schemas/refusal';

function busAt(clock: { ms: number }): EventBus {
  return new EventBus({ node: () => 'node-1', now: () => clock.ms });
}

const client = { address: '203.0.113.7', encoder: 'OBS' };
const wrongKey = { channel: 'news', ...client, code: 'handler', reason: 'refused (status 403)' } as const;

describe('the event bus', () => {
  test('its events satisfy the schema and have ids in the order of their times', () => {
    const clock = { ms: 1_700_000_000_000 };
    const bus = busAt(clock);
    const heard: Event[] = [];
    const stop = bus.listen((event) => heard.push(event));
    bus.tell({ type: 'publish.asked', channel: 'news', ...client });
    clock.ms += 1;
    bus.tell({ type: 'publish.accepted', channel: 'news', ...client, streamId: 's1', resumed: false });
    // A clock that goes back.
    clock.ms -= 1000;
    bus.tell({ type: 'node.joined', subject: 'node-2' });
    stop();
    bus.tell({ type: 'node.left', subject: 'node-2' });
    for (const event of heard) expect(Event.parse(event)).toEqual(event);
    expect(heard.map(({ type }) => type)).toEqual(['publish.asked', 'publish.accepted', 'node.joined']);
    expect(bus.since().map(({ type }) => type)).toEqual([...heard.map(({ type }) => type), 'node.left']);
    expect(bus.since(heard[1]!.id).map(({ type }) => type)).toEqual(['node.joined', 'node.left']);
    expect(bus.of('news', 1).map(({ type }) => type)).toEqual(['publish.accepted']);
  });

  test('attempts, however many, push out no event about streams', () => {
    const clock = { ms: 0 };
    const bus = busAt(clock);
    bus.tell({ type: 'publish.accepted', channel: 'news', ...client, streamId: 's1', resumed: false });
    for (let i = 0; i < 5_000; i += 1) {
      clock.ms += 1000;
      bus.refused({ ...wrongKey, channel: `c${i}` });
    }
    expect(bus.since().length).toBeLessThanOrEqual(1_001);
    expect(bus.since()[0]).toMatchObject({ type: 'publish.accepted' });
  });

  test('a flood of attempts makes few events', () => {
    const bus = busAt({ ms: 0 });
    for (let i = 0; i < 5_000; i += 1) bus.tell({ type: 'publish.asked', channel: `c${i}`, ...client });
    expect(bus.since()).toHaveLength(100);
  });
});

describe('refusals', () => {
  test('of one channel and address are counted together, and told of less and less often', () => {
    const clock = { ms: 0 };
    const bus = busAt(clock);
    for (let i = 0; i < 14; i += 1) {
      if (i > 0) clock.ms += 22_000;
      bus.refused(wrongKey);
    }
    const [refusal, ...others] = bus.refusals('news');
    expect(others).toEqual([]);
    expect(Refusal.parse(refusal)).toMatchObject({ count: 14, address: '203.0.113.7', node: 'node-1' });
    expect(refusal!.sentence).toMatch(/^wrong key.*, from 203\.0\.113\.7, 14 times in 5 minutes$/);
    expect(bus.since().map((event) => 'count' in event && event.count)).toEqual([1, 2, 5, 10]);
    expect(bus.refusals('sport')).toEqual([]);
  });

  test('are counted from one again after a pause of half an hour', () => {
    const clock = { ms: 0 };
    const bus = busAt(clock);
    bus.refused(wrongKey);
    bus.refused(wrongKey);
    clock.ms += 31 * 60_000;
    bus.refused(wrongKey);
    expect(bus.refusals()).toMatchObject([{ count: 1, sentence: expect.stringMatching(/once$/) }]);
  });

  test('are forgotten after two hours', () => {
    const clock = { ms: 0 };
    const bus = busAt(clock);
    bus.refused(wrongKey);
    clock.ms += 121 * 60_000;
    expect(bus.refusals()).toEqual([]);
  });

  test('of one client that tries many channels do not push out those of others', () => {
    const bus = busAt({ ms: 0 });
    bus.refused({ ...wrongKey, address: '198.51.100.1' });
    for (let i = 0; i < 10_000; i += 1) bus.refused({ ...wrongKey, channel: `c${i}` });
    expect(bus.refusals()).toHaveLength(51);
    expect(bus.refusals('news')).toHaveLength(1);
    for (let i = 0; i < 10_000; i += 1) bus.refused({ ...wrongKey, address: `10.0.${i >> 8}.${i & 255}` });
    expect(bus.refusals()).toHaveLength(2_000);
  });
});
