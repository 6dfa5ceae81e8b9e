import { expect, test } from '@jest/globals';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { EventIds } from '../../../../service/events/event-ids';
import { EventFeed } from '../../../../service/http/api/event-feed';
import type { FleetView } from '../../../../service/http/api/fleet-view';

/** A response whose client reads nothing. */
class UnreadResponse extends EventEmitter {
  readonly socket = { remoteAddress: '192.0.2.1' };
  destroyed = false;
  text = '';

  get writableLength(): number {
    return this.text.length;
  }

  writeHead(): void {}

  write(bytes: Buffer | string): void {
    this.text += bytes.toString();
  }

  destroy(): void {
    this.destroyed = true;
  }

  end(): void {}
}

test('a client that missed more than fits gets the newest events, and stays', async () => {
  const ids = new EventIds();
  const known = ids.next(Date.now());
  const events = Array.from({ length: 3_000 }, () => ({
    id: new EventIds().next(Date.now()),
    at: new Date().toISOString(),
    node: 'n'.repeat(1_000),
    type: 'stream.players',
    channel: 'news',
    players: 1,
  })).sort((a, b) => (a.id < b.id ? -1 : 1));
  const fleet = {
    ask: ({ ask }: { ask: string }) =>
      Promise.resolve({
        answers: ask === 'events' ? [{ node: 'a', answer: { events } }] : [],
        unanswered: [],
      }),
  };
  const feed = new EventFeed(fleet as unknown as FleetView);
  const response = new UnreadResponse();
  const query = { figures: 'false' } as const;
  await feed.add(response as unknown as ServerResponse, '192.0.2.1', query, known);
  feed.close();
  expect(response.destroyed).toBe(false);
  const sent = [...response.text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id);
  expect(sent.length).toBeGreaterThan(300);
  expect(sent).toEqual(events.slice(-sent.length).map(({ id }) => id));
});

test('an IPv6 /64 may have 64 event streams, whatever addresses they come from', async () => {
  const fleet = { ask: () => Promise.resolve({ answers: [], unanswered: [] }) };
  const feed = new EventFeed(fleet as unknown as FleetView);
  const add = (address: string): Promise<void> =>
    feed.add(new UnreadResponse() as unknown as ServerResponse, address, { figures: 'false' });
  for (let i = 0; i < 64; i += 1) await add(`2001:db8::${i.toString(16)}`);
  await expect(add('2001:db8::ffff')).rejects.toThrow('Too many clients');
  await add('2001:db8:0:1::1');
  expect(feed.clientCount).toBe(65);
  feed.close();
});
