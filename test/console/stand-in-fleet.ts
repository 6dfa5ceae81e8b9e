import type { Event } from '../../service/http/api/schemas/event';
import type { Explanation } from '../../service/http/api/schemas/explain';
import type { Figures, StreamFigures } from '../../service/http/api/schemas/figures';
import type { Health, HealthIssue } from '../../service/http/api/schemas/health';
import type { Node, NodeList } from '../../service/http/api/schemas/node';
import type { RefusalList } from '../../service/http/api/schemas/refusal-list';
import type { Refusal } from '../../service/http/api/schemas/refusal';
import type { History, Stream, StreamDetail, StreamPage } from '../../service/http/api/schemas/stream';
import { outputsOf } from './stand-in-outputs';

const STEP_SECONDS = 5;
const STEPS = 120;
const ENCODERS = ['OBS 31.0.3', 'FMLE/3.0 (compatible; FMSc/1.0)', 'Larix/1.3.21', 'vMix 28.0', 'Lavf61.7.100', ''];
const PLACES = ['studio', 'arena', 'stage', 'newsroom', 'cam', 'mobile', 'church', 'court'];
const SIZES = [
  [1920, 1080, 29.97],
  [1280, 720, 60],
  [1920, 1080, 25],
  [854, 480, 30],
  [3840, 2160, 50],
] as const;

const issue = (code: string, severity: HealthIssue['severity'], sentence: string): Omit<HealthIssue, 'since'> => ({
  code,
  severity,
  sentence,
});
const KEYFRAMES = issue(
  'gopSizeLong',
  'warning',
  'A keyframe comes every 8.3 s. Set the keyframe interval of the encoder to 2 s, so that viewers start quickly.',
);
const STARVED = issue(
  'videoIngestionStarved',
  'error',
  'Video arrives at 61 % of real time. Lower the bitrate of the encoder, or use a better connection: wired instead of Wi-Fi.',
);
const GAPS = issue('gap', 'error', 'No video came for 3.2 s. Check the connection of the encoder.');

/** A fleet of made-up streams whose figures move, in the shapes of the API. */
export class StandInFleet {
  readonly streams = new Map<string, Stream>();
  readonly events: Event[] = [];
  refusals: readonly Refusal[];
  readonly nodes: Node[];
  readonly #startedAt = Date.now() - 5 * 3_600_000;
  #ids = 0;

  /** @param nodes how many, 1 or more */
  constructor(streams: number, nodes = 3) {
    this.nodes = Array.from({ length: nodes }, (_, index) => this.#node(index));
    for (let index = 0; index < streams; index += 1) this.add(index);
    this.refusals = [
      this.#refusal(
        'news-main',
        '203.0.113.7',
        'handler',
        'wrong key, from 203.0.113.7, 14 times in 5 minutes',
        14,
        40,
      ),
      this.#refusal(
        'arena-2',
        '198.51.100.24',
        'busy',
        'another publisher has the channel, from 198.51.100.24',
        1,
        180,
      ),
      this.#refusal(
        'party',
        '2001:db8::17',
        'blocked',
        'blocked by an operator, from 2001:db8::17, 3 times in 1 minute',
        3,
        900,
      ),
    ];
  }

  add(index: number): Stream {
    const channel = `${PLACES[index % PLACES.length]!}-${Math.floor(index / PLACES.length) + 1}`;
    const [width, height, fps] = SIZES[index % SIZES.length]!;
    const health = this.#health(index);
    const isAudio = index % 23 === 5;
    const bitrateKbps = isAudio ? 128 : Math.round((width * height * fps) / 14_000 + (index % 7) * 130);
    const stream: Stream = {
      channel,
      streamId: index % 5 === 4 ? '' : `st-${(index * 2_654_435_761).toString(16).slice(0, 8)}`,
      state: index % 31 === 12 ? 'held' : 'live',
      since: new Date(this.#startedAt + ((index * 7_919) % 17_000) * 1000).toISOString(),
      uptimeSeconds: 0,
      node: this.nodes[index % this.nodes.length]!.id,
      client: {
        address: `198.51.${(index >> 7) & 255}.${(index % 250) + 1}`,
        encoder: ENCODERS[index % ENCODERS.length]!,
      },
      video: isAudio
        ? null
        : {
            codec: index % 9 === 3 ? 'H.265' : 'H.264',
            width,
            height,
            fps,
            keyframeIntervalSeconds: health.issues[0]?.code === 'gopSizeLong' ? 8.3 : 2,
            bitrateKbps: bitrateKbps - 128,
          },
      audio: { codec: 'AAC', sampleRate: 48_000, channels: 2, bitrateKbps: 128 },
      bitrateKbps,
      players: (index * 37) % 190,
      health,
      outputs: outputsOf(index, channel),
    };
    this.streams.set(channel, stream);
    return stream;
  }

  page(withHistory: boolean, limit = 5_000): StreamPage {
    const all = [...this.streams.values()];
    const streams = all
      .slice(0, limit)
      .map((stream) => (withHistory ? { ...stream, history: this.#history(stream) } : stream));
    return { streams, total: all.length, offset: 0, limit, at: now(), unanswered: [] };
  }

  detail(channel: string): StreamDetail | undefined {
    const stream = this.streams.get(channel);
    if (stream === undefined) return undefined;
    const playersByNode = this.nodes.map(({ id }, index) => ({
      node: id,
      players: Math.floor(stream.players / (index + 2)),
    }));
    const events = this.events.filter((event) => 'channel' in event && event.channel === channel).reverse();
    return { ...stream, history: this.#history(stream), playersByNode, events, unanswered: [] };
  }

  explain(channel: string): Explanation {
    const refusals = this.refusals.filter((refusal) => refusal.channel === channel);
    const isRefused = refusals.length > 0;
    return {
      channel,
      verdict: isRefused ? 'refused' : 'idle',
      sentence: isRefused ? `Refused: ${refusals[0]!.sentence}.` : 'Nobody publishes to this channel.',
      holder: null,
      blockedSeconds: null,
      refusals,
      advice: isRefused
        ? [
            'Compare the stream key in the encoder with the one of the channel.',
            'Ask the callback handler’s log why it said no.',
          ]
        : ['Check the address and the channel name in the encoder.'],
      unanswered: [],
    };
  }

  nodeList(): NodeList {
    return { nodes: this.nodes, answering: this.nodes[0]!.id, at: now(), unanswered: [] };
  }

  refusalList(): RefusalList {
    return { refusals: [...this.refusals], at: now(), unanswered: [] };
  }

  /** Lets all figures move a little, and gives them. */
  figures(): Figures {
    const streams: StreamFigures[] = [];
    for (const stream of this.streams.values()) {
      const bitrateKbps = stream.state === 'held' ? 0 : Math.round(stream.bitrateKbps * (0.96 + Math.random() * 0.08));
      streams.push({
        channel: stream.channel,
        node: stream.node,
        bitrateKbps,
        fps: stream.video?.fps ?? null,
        keyframeIntervalSeconds: stream.video?.keyframeIntervalSeconds ?? null,
        players: stream.players,
        health: stream.health.state,
      });
    }
    return { at: now(), streams, unanswered: [] };
  }

  /** Completes an event and keeps it. */
  note<T extends Event['type']>(event: Omit<Extract<Event, { type: T }>, 'id' | 'at' | 'node'> & { type: T }): Event {
    this.#ids += 1;
    const noted = {
      id: String(this.#ids).padStart(8, '0'),
      at: now(),
      node: this.nodes[0]!.id,
      ...event,
    } as unknown as Event;
    this.events.push(noted);
    return noted;
  }

  #health(index: number): Health {
    const since = new Date(Date.now() - 95_000).toISOString();
    if (index % 17 === 6) return { state: 'bad', issues: [STARVED, GAPS].map((one) => ({ ...one, since })) };
    if (index % 11 === 3) return { state: 'ok', issues: [{ ...KEYFRAMES, since }] };
    return index % 31 === 12 ? { state: 'noData', issues: [] } : { state: 'good', issues: [] };
  }

  #history(stream: Stream): History {
    const wave = (index: number): number => 1 + 0.06 * Math.sin(index / 5) + 0.04 * Math.sin(index * 1.7);
    const dip = (index: number): number => (stream.health.state === 'bad' && index % 40 > 30 ? 0.45 : 1);
    const steps = Array.from({ length: STEPS }, (_, index) => index);
    const { video } = stream;
    return {
      stepSeconds: STEP_SECONDS,
      until: now(),
      bitrateKbps: steps.map((index) => Math.round(stream.bitrateKbps * wave(index) * dip(index))),
      fps: steps.map((index) =>
        typeof video?.fps === 'number' ? Math.round(video.fps * dip(index) * 100) / 100 : null,
      ),
      keyframeIntervalSeconds: steps.map(() => video?.keyframeIntervalSeconds ?? null),
    };
  }

  #node(index: number): Node {
    const id =
      ['ingest-a-7f3c', 'ingest-b-19d2', 'ingest-c-e04b', 'ingest-d-5521'][index % 4]! + (index > 3 ? `-${index}` : '');
    const cpu = [0.34, 0.92, 0.18][index % 3]!;
    return {
      id,
      machine: id,
      host: `10.0.${index}.12`,
      reachable: true,
      reason: index === 2 ? 'It drains: no new clients.' : null,
      ready: index !== 2,
      draining: index === 2,
      protected: index !== 2,
      version: '1.0.0',
      since: new Date(this.#startedAt).toISOString(),
      streams: [38, 71, 6][index % 3]!,
      slots: 60,
      players: [2_310, 5_120, 88][index % 3]!,
      connections: [2_360, 5_200, 96][index % 3]!,
      load: {
        cpu,
        eventLoopDelayMs: 11 + index,
        memoryBytes: 310e6 * (index + 1),
        memoryBudgetBytes: 1.2e9,
        inKbps: 212_000 * (index + 1),
        outKbps: 9_640_000,
      },
    };
  }

  #refusal(
    channel: string,
    address: string,
    code: Refusal['code'],
    sentence: string,
    count: number,
    age: number,
  ): Refusal {
    const lastAt = new Date(Date.now() - age * 1000).toISOString();
    const firstAt = new Date(Date.now() - (age + 300) * 1000).toISOString();
    return { channel, address, node: this.nodes[0]!.id, code, reason: sentence, count, firstAt, lastAt, sentence };
  }
}

function now(): string {
  return new Date().toISOString();
}
