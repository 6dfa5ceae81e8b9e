import type { Flushable, FlushScheduler } from '../../../service/hub/flush-scheduler';
import { LiveStream, type StreamEnvironment } from '../../../service/hub/live-stream';
import { SlabPool } from '../../../service/hub/slab';
import { TrafficCounters } from '../../../service/metrics/traffic-counters';
import type { ReceivedMessage } from '../../support/rtmp/wire-reader';
import { MessageType } from '../../../service/protocol/message-types';
import { readDataMessage } from '../../../service/protocol/message/data-message';
import { amfEncode, type Amf } from '../../support/rtmp/amf-test-codec';
import { FakePlayer, type FakePlayerOptions } from './fake-player';

export interface BenchOptions {
  readonly chunkSize?: number;
  readonly gopCacheBytes?: number;
  readonly pool?: SlabPool;
  readonly traffic?: TrafficCounters;
  /** Default: the rig itself, which flushes when it is told to. */
  readonly scheduler?: FlushScheduler;
}

/** A live stream whose clock and flushes the test controls. */
export class StreamRig implements FlushScheduler {
  readonly traffic: TrafficCounters;
  readonly env: StreamEnvironment;
  readonly stream: LiveStream;
  /** Milliseconds. */
  clock = 1_000;
  /** How the stream asked for a flush since the last one: video is urgent. */
  urgency: boolean[] = [];

  constructor(options: BenchOptions = {}) {
    const { chunkSize = 4096, gopCacheBytes = 1 << 28, pool = new SlabPool(1 << 26), scheduler = this } = options;
    this.traffic = options.traffic ?? new TrafficCounters();
    this.env = { pool, traffic: this.traffic, chunkSize, gopCacheBytes, scheduler, now: () => this.clock };
    this.stream = new LiveStream(this.env, { change: (steps) => steps(), displaced() {}, sourceDecided() {} });
  }

  ready(_stream: Flushable, urgent: boolean): void {
    this.urgency.push(urgent);
  }

  video(timestamp: number, payload: Buffer): void {
    this.stream.appendMedia(MessageType.Video, timestamp, payload);
  }

  audio(timestamp: number, payload: Buffer): void {
    this.stream.appendMedia(MessageType.Audio, timestamp, payload);
  }

  data(timestamp: number, ...values: Amf[]): void {
    this.stream.appendData(timestamp, readDataMessage(MessageType.DataAmf0, amfEncode(...values))!);
  }

  flush(): void {
    this.urgency = [];
    this.stream.flush();
  }

  /** A player that has joined. */
  join(options?: FakePlayerOptions): FakePlayer {
    const player = new FakePlayer(options);
    this.stream.addPlayer(player.player);
    return player;
  }

  /** The messages that have reached a player, one line each. */
  received({ outlet }: FakePlayer): string[] {
    return outlet.messages(this.env.chunkSize).map(inWords);
  }
}

const KINDS: Readonly<Record<number, string>> = { 8: 'audio', 9: 'video', 18: 'data' };

/** Kind, time and what follows the tag, such as `video 40 k1`; data as JSON. */
export function inWords({ type, timestamp, payload, data }: ReceivedMessage): string {
  const tagBytes = type === MessageType.Video ? 5 : 2;
  const content = data === undefined ? payload.toString('latin1', tagBytes) : JSON.stringify(data);
  return `${KINDS[type] ?? type} ${timestamp} ${content}`;
}

/** AVC frames whose content is a label. */
export const keyframe = (label: string): Buffer => Buffer.concat([Buffer.of(0x17, 1, 0, 0, 0), Buffer.from(label)]);
export const interFrame = (label: string): Buffer => Buffer.concat([Buffer.of(0x27, 1, 0, 0, 0), Buffer.from(label)]);
export const avcHeader = (label: string): Buffer => Buffer.concat([Buffer.of(0x17, 0, 0, 0, 0), Buffer.from(label)]);
export const aacFrame = (label: string): Buffer => Buffer.concat([Buffer.of(0xaf, 1), Buffer.from(label)]);
export const aacHeader = (label: string): Buffer => Buffer.concat([Buffer.of(0xaf, 0), Buffer.from(label)]);
