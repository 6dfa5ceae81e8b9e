import type { Event } from '../../http/api/schemas/event';
import type { Health, HealthState } from '../../http/api/schemas/health';
import type { Node } from '../../http/api/schemas/node';
import type { Video, Audio } from '../../http/api/schemas/stream';
import type { Colour } from '../terminal/paint';
import { describeSeconds } from '../terminal/duration';

const UNKNOWN = '-';

export const HEALTH_COLOURS: Readonly<Record<HealthState, Colour>> = {
  good: 'green',
  ok: 'yellow',
  bad: 'red',
  noData: 'red',
};

/** `bad (gopSizeLong, noAudioStream)` */
export function healthText({ state, issues }: Health): string {
  const word = state === 'noData' ? 'no data' : state;
  return issues.length === 0 ? word : `${word} (${issues.map(({ code }) => code).join(', ')})`;
}

/** `812 kbps`, `4.1 Mbps` */
export function rate(kbps: number): string {
  return kbps < 1000 ? `${Math.round(kbps)} kbps` : `${(kbps / 1000).toFixed(1)} Mbps`;
}

export function bytes(count: number): string {
  return count < 1024 ** 3 ? `${Math.round(count / 1024 ** 2)} MB` : `${(count / 1024 ** 3).toFixed(1)} GB`;
}

export function orUnknown(value: number | string | null | undefined, unit = ''): string {
  return value === null || value === undefined || value === '' ? UNKNOWN : `${value}${unit}`;
}

/** `12 of 40 slots`, `40 of 40 slots, full` */
export function fillText({ streams, slots }: Pick<Node, 'streams' | 'slots'>): string {
  if (streams === null || slots === null) return orUnknown(streams);
  return `${streams} of ${slots} slots${streams < slots ? '' : ', full'}`;
}

/** `H.264 1280x720 30 fps` */
export function videoText(video: Video | null): string {
  if (video === null) return 'no video';
  const { codec, width, height, fps } = video;
  const size = width === null || height === null ? '' : ` ${width}x${height}`;
  return `${codec}${size}${fps === null ? '' : ` ${round(fps)} fps`}`;
}

export function audioText(audio: Audio | null): string {
  if (audio === null) return 'no audio';
  const { codec, sampleRate, channels } = audio;
  const sampled = sampleRate === null ? '' : ` ${sampleRate / 1000} kHz`;
  return `${codec}${sampled}${channels === null ? '' : ` ${channels} ch`}`;
}

/** Local time of the day, with the date where that is another day. */
export function timeText(iso: string, now: Date): string {
  const time = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  if (time.toDateString() === now.toDateString()) return clock;
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`;
}

/** What happened, in one line without its time. */
export function eventText(event: Event): string {
  switch (event.type) {
    case 'publish.asked':
      return `asks to publish, from ${event.address}${by(event.encoder)}`;
    case 'publish.accepted':
      return `${event.resumed ? 'continues' : 'publishes'}, from ${event.address}${by(event.encoder)}`;
    case 'publish.refused':
      return `refused: ${event.sentence}`;
    case 'stream.health':
      return `health ${healthText(event.health)}${event.health.issues.map(({ sentence }) => `; ${sentence}`).join('')}`;
    case 'stream.held':
      return 'held for its publisher, whose connection broke off';
    case 'stream.ended':
      return `ended after ${describeSeconds(event.seconds)}: ${event.reason}`;
    case 'stream.players':
      return event.players === 1 ? '1 player' : `${event.players} players`;
    case 'node.joined':
      return `node ${event.subject} joined`;
    case 'node.draining':
      return `node ${event.subject} drains`;
    case 'node.left':
      return `node ${event.subject} left`;
    case 'recording.done':
      return `recording stored: ${recordedText(event)}`;
    case 'recording.failed':
      return `recording failed: ${event.reason}; ${recordedText(event)}`;
    case 'forward.live':
      return `forward to ${event.target} is live`;
    case 'forward.waiting':
      return `forward to ${event.target} waits: ${event.reason}`;
    case 'forward.failed':
      return `forward to ${event.target} failed: ${event.reason}`;
    case 'output.gap':
      return `gap of ${describeSeconds(event.missingMs / 1000)} in output ${event.output}`;
    case 'outputs.down':
      return `outputs of node ${event.node} are down: ${event.reason}`;
    case 'outputs.up':
      return `outputs of node ${event.node} are up`;
  }
}

/** Of the channel that an event concerns; empty for those of nodes. */
export function channelOf(event: Event): string {
  return 'channel' in event ? event.channel : '';
}

function recordedText({ files, seconds, bytes: size }: Extract<Event, { type: `recording.${string}` }>): string {
  const last = files.at(-1);
  return last === undefined ? 'nothing is stored' : `${describeSeconds(seconds)}, ${bytes(size)}, ${last.place}`;
}

function by(encoder: string): string {
  return encoder === '' ? '' : ` (${encoder})`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
