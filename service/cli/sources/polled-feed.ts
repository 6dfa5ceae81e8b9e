import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../errors/error-text';
import { EventPage } from '../../http/api/schemas/event-page';
import type { Event } from '../../http/api/schemas/event';
import type { Figures } from '../../http/api/schemas/figures';
import { StreamPage } from '../../http/api/schemas/stream';
import type { FeedMessage, FeedQuery, FleetSource } from './fleet-source';

/** Known ids of events; nodes keep a few thousand. */
const MAX_KNOWN = 50_000;
const PAGE = 1_000;

/**
 * The event stream of a fleet that can only be asked: asks again and again, and passes on what is new. What cannot be
 * read now is read the next time.
 *
 * @param intervalMs pause between two questions
 */
export async function* pollFeed(
  source: Pick<FleetSource, 'read'>,
  query: FeedQuery,
  intervalMs: number,
  signal: AbortSignal,
): AsyncIterable<FeedMessage> {
  const { channel, figures, lastId } = query;
  let known: Set<string> | undefined;
  while (!signal.aborted) {
    const events = await eventsOf(source, channel).catch((error: unknown) => {
      // A fleet that was never reached is a failure; one that is lost may come back.
      if (known === undefined) throw error;
      return [];
    });
    const old = known ?? idsUntil(events, lastId);
    for (const event of events) {
      if (old.has(event.id)) continue;
      old.add(event.id);
      yield { name: event.type, id: event.id, data: JSON.stringify(event) };
    }
    known = shortened(old);
    if (figures) yield await figuresOf(source);
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}

async function eventsOf(source: Pick<FleetSource, 'read'>, channel: string | undefined): Promise<Event[]> {
  const { status, body } = await source.read(channel === undefined ? '/events' : `/events?channel=${channel}`);
  if (status !== 200) throw new Error(`events cannot be read: status ${status}`);
  return EventPage.parse(JSON.parse(body.toString('utf8'))).events;
}

/** What the caller knows already: everything, or everything up to an event. */
function idsUntil(events: readonly Event[], lastId: string | undefined): Set<string> {
  return new Set(events.filter(({ id }) => lastId === undefined || id <= lastId).map(({ id }) => id));
}

function shortened(ids: Set<string>): Set<string> {
  return ids.size > MAX_KNOWN ? new Set([...ids].slice(-MAX_KNOWN / 2)) : ids;
}

async function figuresOf(source: Pick<FleetSource, 'read'>): Promise<FeedMessage> {
  const streams: Figures['streams'] = [];
  let unanswered: Figures['unanswered'] = [];
  try {
    for (let offset = 0; ; offset += PAGE) {
      const { body } = await source.read(`/streams?limit=${PAGE}&offset=${offset}`);
      const page = StreamPage.parse(JSON.parse(body.toString('utf8')));
      ({ unanswered } = page);
      for (const { channel, node, bitrateKbps, video, players, health } of page.streams) {
        const { fps = null, keyframeIntervalSeconds = null } = video ?? {};
        streams.push({ channel, node, bitrateKbps, fps, keyframeIntervalSeconds, players, health: health.state });
      }
      if (offset + PAGE >= page.total) break;
    }
  } catch (error) {
    // Streams that are missing would count as ended.
    unanswered = [{ node: 'fleet', reason: messageOf(error) }];
  }
  const figures: Figures = { at: new Date().toISOString(), streams, unanswered };
  return { name: 'figures', data: JSON.stringify(figures) };
}
