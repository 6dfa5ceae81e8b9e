import { describe, expect, test } from '@jest/globals';
import { EventOutbox, type EventOutboxOptions, type Sending } from '../../../../service/events/outlets/event-outbox';
import type { Event } from '../../../../service/http/api/schemas/event';
import { MemoryLogger } from '../../../support/memory-logger';
import { ManualClock, settled } from '../../time/manual-clock';
import { acceptedEvent } from './sample-events';

function outbox(answers: (Sending | Error)[], options: Partial<EventOutboxOptions> = {}) {
  const clock = new ManualClock();
  const log = new MemoryLogger();
  const sent: string[][] = [];
  const box = new EventOutbox({
    name: 'RECEIVER',
    batch: 1,
    send: (events) => {
      sent.push(events.map(({ id }) => id));
      const answer = answers.shift() ?? { result: 'sent' };
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    log,
    clock,
    random: () => 0,
    ...options,
  });
  return { box, clock, log, sent };
}

const retry = { result: 'retry', reason: 'status 503' } as const;

describe('EventOutbox', () => {
  test('sends an event at once', async () => {
    const { box, sent } = outbox([]);
    const event = acceptedEvent();
    box.add(event);
    await settled();
    expect(sent).toEqual([[event.id]]);
  });

  test('sends again, with growing pauses, until the receiver takes it', async () => {
    const { box, clock, sent, log } = outbox([retry, new Error('connection refused'), retry]);
    const event = acceptedEvent();
    box.add(event);
    await clock.advance(999);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent).toHaveLength(2);
    await clock.advance(2_000);
    await clock.advance(4_000);
    await clock.advance(3_600_000);
    expect(sent).toEqual(Array.from({ length: 4 }, () => [event.id]));
    expect(log.lines.join('\n')).toContain('Events could not be sent to RECEIVER, they are sent again: status 503');
  });

  test('waits as long as the receiver asks for', async () => {
    const { box, clock, sent } = outbox([{ ...retry, afterMs: 60_000 }]);
    box.add(acceptedEvent());
    await clock.advance(59_999);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent).toHaveLength(2);
  });

  test('gives an event up after three days, and says so', async () => {
    const { box, clock, sent, log } = outbox(Array.from({ length: 5_000 }, () => retry));
    box.add(acceptedEvent());
    await clock.advance(73 * 3_600_000);
    const before = sent.length;
    await clock.advance(24 * 3_600_000);
    expect(sent).toHaveLength(before);
    expect(log.lines.join('\n')).toContain('Events were not taken by RECEIVER and are dropped: status 503');
  });

  test('sends nothing more to a receiver that is gone', async () => {
    const { box, sent } = outbox([{ result: 'gone', reason: 'status 410' }]);
    box.add(acceptedEvent());
    await settled();
    box.add(acceptedEvent());
    await settled();
    expect(sent).toHaveLength(1);
  });

  test('gathers events in batches while sendings are in progress', async () => {
    const { box, sent } = outbox([], { batch: 10 });
    const events = Array.from({ length: 30 }, acceptedEvent);
    for (const event of events) box.add(event);
    await settled();
    expect(sent.flat().sort()).toEqual(events.map(({ id }) => id).sort());
    expect(Math.max(...sent.map(({ length }) => length))).toBe(10);
    expect(sent.length).toBeLessThan(10);
  });

  test('drops the oldest beyond its bound, and says so', async () => {
    const { box, clock, sent, log } = outbox(
      Array.from({ length: 9 }, () => retry),
      { capacity: 5 },
    );
    const events = Array.from({ length: 12 }, acceptedEvent);
    for (const event of events) {
      box.add(event);
      await settled();
    }
    expect(log.lines.join('\n')).toContain('Events are dropped: more than 5 wait to be sent to RECEIVER');
    await clock.advance(10_000);
    expect(sent.flat()).toContain(events.at(-1)?.id);
  });

  test('leaves out events of which there may be thousands, and reports of other nodes', async () => {
    const { box, sent } = outbox([]);
    const stamp = { id: 'x', at: '2026-01-01T00:00:00.000Z', node: 'node-1' };
    const events: Event[] = [
      { ...stamp, type: 'stream.players', channel: 'news', players: 3 },
      { ...stamp, type: 'publish.asked', channel: 'news', address: '203.0.113.7', encoder: '' },
      { ...stamp, type: 'node.joined', subject: 'node-2' },
    ];
    for (const event of events) box.add(event);
    box.add({ ...stamp, id: 'own', type: 'node.joined', subject: 'node-1' });
    await settled();
    expect(sent).toEqual([['own']]);
  });

  test('at the end, sends what waits for a retry, and no longer than it may', async () => {
    const done = outbox([retry]);
    done.box.add(acceptedEvent());
    await settled();
    await done.box.close(1_000);
    expect(done.sent).toHaveLength(2);

    const stuck = outbox([], { send: () => new Promise<Sending>(() => undefined) });
    stuck.box.add(acceptedEvent());
    const closed = stuck.box.close(1_000);
    await stuck.clock.advance(1_000);
    await closed;
    expect(stuck.log.lines.join('\n')).toContain('1 events were not sent to RECEIVER');
  });
});
