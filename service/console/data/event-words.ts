import type { Event } from '../../http/api/schemas/event';
import { formatDuration } from './format';

/** How an event looks in a list: `bad` and `warning` stand out. */
export type EventTone = 'neutral' | 'good' | 'warning' | 'bad';

export interface EventWords {
  readonly title: string;
  readonly detail: string;
  readonly tone: EventTone;
}

const HEALTH_WORDS = {
  good: { title: 'Health: good', tone: 'good' },
  ok: { title: 'Health: ok', tone: 'warning' },
  bad: { title: 'Health: bad', tone: 'bad' },
  noData: { title: 'Health: no data', tone: 'warning' },
} as const;

/** An event in words. */
export function wordsOf(event: Event): EventWords {
  switch (event.type) {
    case 'publish.asked':
      return { title: 'Publish asked', detail: from(event), tone: 'neutral' };
    case 'publish.accepted':
      return { title: event.resumed ? 'Publisher is back' : 'Publish accepted', detail: from(event), tone: 'good' };
    case 'publish.refused':
      return { title: 'Publish refused', detail: event.sentence, tone: 'bad' };
    case 'stream.health': {
      const [issue] = event.health.issues;
      return { ...HEALTH_WORDS[event.health.state], detail: issue?.sentence ?? '' };
    }
    case 'stream.held':
      return { title: 'Publisher lost', detail: 'The channel is held for it.', tone: 'warning' };
    case 'stream.ended': {
      const tone = event.code === 'stopped' || event.code === 'operator' ? 'neutral' : 'warning';
      return { title: `Ended after ${formatDuration(event.seconds)}`, detail: event.reason, tone };
    }
    case 'stream.players':
      return { title: `Players on this node: ${event.players}`, detail: '', tone: 'neutral' };
    case 'node.joined':
      return { title: 'Node joined', detail: event.subject, tone: 'good' };
    case 'node.draining':
      return { title: 'Node is draining', detail: event.subject, tone: 'warning' };
    case 'node.left':
      return { title: 'Node left', detail: event.subject, tone: 'warning' };
  }
}

function from({ address, encoder }: { readonly address: string; readonly encoder: string }): string {
  return encoder === '' ? `from ${address}` : `from ${address}, ${encoder}`;
}
