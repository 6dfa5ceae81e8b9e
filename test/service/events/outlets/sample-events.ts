import type { Event } from '../../../../service/http/api/schemas/event';

let made = 0;

/** An event of a publish that was accepted. */
export function acceptedEvent(): Event {
  made += 1;
  return {
    id: `00000000-${made}`,
    at: '2026-01-01T00:00:00.000Z',
    node: 'node-1',
    type: 'publish.accepted',
    channel: 'news',
    address: '203.0.113.7',
    encoder: 'OBS',
    streamId: 's-1',
    resumed: false,
  };
}
