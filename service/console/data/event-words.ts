import type { Event } from '../../http/api/schemas/event';
import { formatBytes, formatDuration } from './format';
import { OUTPUT_NAMES } from './output-words';

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
    case 'recording.done':
      return { title: 'Recording stored', detail: recorded(event), tone: 'good' };
    case 'recording.failed':
      return { title: 'Recording failed', detail: `${event.reason}. ${recorded(event)}`, tone: 'bad' };
    case 'forward.live':
      return { title: 'Forward is live', detail: event.target, tone: 'good' };
    case 'forward.waiting':
      return { title: 'Forward waits', detail: `${event.target}: ${event.reason}`, tone: 'warning' };
    case 'forward.failed':
      return { title: 'Forward failed', detail: `${event.target}: ${event.reason}`, tone: 'bad' };
    case 'output.gap': {
      const title = `Gap of ${formatDuration(event.missingMs / 1000)} in the ${OUTPUT_NAMES[event.kind]}`;
      return { title, detail: `output ${event.output}`, tone: 'warning' };
    }
    case 'outputs.down':
      return { title: 'Outputs are down', detail: `on ${event.node}: ${event.reason}`, tone: 'bad' };
    case 'outputs.up':
      return { title: 'Outputs are up', detail: `on ${event.node}`, tone: 'good' };
  }
}

function recorded({ files, seconds, bytes }: Extract<Event, { type: `recording.${string}` }>): string {
  const last = files.at(-1);
  if (last === undefined) return 'Nothing is stored.';
  return `${formatDuration(seconds)}, ${formatBytes(bytes)}: ${last.place}`;
}

function from({ address, encoder }: { readonly address: string; readonly encoder: string }): string {
  return encoder === '' ? `from ${address}` : `from ${address}, ${encoder}`;
}
