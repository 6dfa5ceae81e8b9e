import { setTimeout as sleep } from 'node:timers/promises';
import { below, KEY, type Random } from '../../fleet/observed-handler';
import type { History, PublisherSeen } from '../../fleet/observed-history';
import { frameOf, frameText, type FrameSeen, ViewerWatch } from '../../fleet/observed-viewers';
import { encodeMessage, messageType } from '../wire/chunk-encoding';
import type { IncomingMessage, MessageSink } from '../wire/chunk-reader';
import { RtmpClient } from '../wire/rtmp-client';
import type { StreamAddress } from '../wire/stream-address';

const FRAME_MS = 200;
/** Frames from one keyframe to the next. */
const GROUP = 10;
const FRAME_BYTES = 1_000;
const HEAD_BYTES = 64;
const CHUNK_BYTES = 4_096;
const RETRY_MS = 500;
const SPREAD_MS = 20;
const STAY_MS = 60_000;
const SEQUENCE_HEADER = Buffer.from('1700000000016400' + '28ffe1000a67640028acd940780227e5' + '01000468ebe3cb', 'hex');

export interface SteadyLoadOptions {
  readonly nodes: number;
  /** Where clients of a channel reach a node. */
  readonly address: (node: number, channel: string) => Pick<StreamAddress, 'host' | 'port' | 'tls'>;
  readonly history: History;
  readonly now: () => number;
  readonly random: Random;
}

/**
 * Publishers and players that come back half a second after they were lost, by any node. Each leaves by itself, too, after
 * a minute or more, and comes back the same way: otherwise nobody would be at a node that has restarted.
 */
export class SteadyLoad {
  readonly #work: Promise<unknown>[] = [];
  readonly #leave = new Set<() => void>();
  #over = false;
  #live = 0;
  #watching = 0;
  #names = 0;

  constructor(
    private readonly options: SteadyLoadOptions,
    readonly channels: readonly string[],
  ) {}

  get live(): number {
    return this.#live;
  }

  get watching(): number {
    return this.#watching;
  }

  /** A publisher for each channel; they come one after another. */
  publish(): void {
    this.channels.forEach((channel, at) => {
      this.#work.push(this.#again(at * SPREAD_MS, (node) => this.#publish(channel, node)));
    });
  }

  /** Players, spread over the channels; they come one after another. */
  play(players: number): void {
    for (let at = 0; at < players; at++) {
      const channel = this.channels[at % this.channels.length]!;
      const name = `v${at}`;
      this.#work.push(this.#again(at * SPREAD_MS, (node) => this.#play(name, channel, node)));
    }
  }

  async stop(): Promise<void> {
    this.#over = true;
    for (const leave of this.#leave) leave();
    await Promise.all(this.#work);
  }

  async #again(afterMs: number, once: (node: number) => Promise<void>): Promise<void> {
    await sleep(afterMs);
    while (!this.#over) {
      await once(below(this.options.random, this.options.nodes));
      await sleep(RETRY_MS);
    }
  }

  /** Publishes until it is lost, refused, or all is over. */
  async #publish(channel: string, node: number): Promise<void> {
    const { now, history } = this.options;
    this.#names += 1;
    const name = `s${this.#names}`;
    const seen: PublisherSeen = { name, channel, node, asked: now(), isSteady: true };
    const ended = new Ending(this.#leave);
    let client: RtmpClient;
    try {
      client = await RtmpClient.open(this.#to(node, channel, `${KEY}?e=${name}`), CHUNK_BYTES, ignoreMedia);
    } catch {
      ended.done();
      return;
    }
    history.publishers.push(seen);
    client.onLost = (reason) => {
      seen.lost = reason;
      seen.ended = now();
      ended.done();
    };
    try {
      const messageStreamId = await client.publish();
      seen.accepted = now();
      this.#live += 1;
      const video = (timestamp: number, payload: Buffer): void => {
        const header = { chunkStreamId: 6, type: messageType.video, messageStreamId, timestamp };
        client.write(encodeMessage(header, payload, CHUNK_BYTES));
      };
      video(0, SEQUENCE_HEADER);
      let sequence = 0;
      const timer = setInterval(() => {
        if (seen.ended !== undefined) return;
        video(sequence * FRAME_MS, frameBytes(name, sequence));
        sequence += 1;
      }, FRAME_MS);
      await this.#stays(ended);
      clearInterval(timer);
      this.#live -= 1;
    } catch (error) {
      seen.refused ??= String(error);
    }
    ended.done();
    seen.ended ??= now();
    client.close();
  }

  async #play(name: string, channel: string, node: number): Promise<void> {
    const { now, history } = this.options;
    const watch = new ViewerWatch(name, channel, node, now());
    const ended = new Ending(this.#leave);
    let client: RtmpClient | undefined;
    try {
      const sink = new FrameSink((frame, timestamp) => watch.frame(frame, timestamp, now()));
      client = await RtmpClient.open(this.#to(node, channel, KEY), CHUNK_BYTES, sink);
      client.onLost = () => {
        watch.seen.lost = true;
        watch.end(now());
        ended.done();
      };
      await client.play();
      watch.accepted(now());
      history.players.push(watch.seen);
      this.#watching += 1;
      await this.#stays(ended);
      this.#watching -= 1;
    } catch {
      // It tries another node.
    }
    ended.done();
    if (watch.seen.ended === undefined) watch.end(now());
    client?.close();
  }

  async #stays(ended: Ending): Promise<void> {
    const timer = setTimeout(() => ended.done(), STAY_MS + below(this.options.random, 2 * STAY_MS));
    await ended.wait;
    clearTimeout(timer);
  }

  #to(node: number, app: string, streamName: string): StreamAddress {
    return { ...this.options.address(node, app), app, streamName };
  }
}

/** Resolves when a connection has ended, or when all are told to leave. */
class Ending {
  readonly wait: Promise<void>;
  done: () => void = () => undefined;

  constructor(all: Set<() => void>) {
    this.wait = new Promise((resolve) => {
      this.done = () => {
        all.delete(this.done);
        resolve();
      };
    });
    all.add(this.done);
  }
}

const ignoreMedia = { onPayload: () => undefined };

/** Reads the mark at the beginning of each video message. */
class FrameSink implements MessageSink {
  readonly #head = Buffer.alloc(HEAD_BYTES);

  constructor(private readonly onFrame: (frame: FrameSeen, timestamp: number) => void) {}

  onPayload(message: IncomingMessage, buffer: Buffer, start: number, end: number): void {
    if (message.type !== messageType.video) return;
    if (message.received < HEAD_BYTES) buffer.copy(this.#head, message.received, start, end);
    if (message.received + end - start !== message.length) return;
    const frame = frameOf(this.#head.subarray(0, message.length));
    if (frame !== undefined) this.onFrame(frame, message.timestamp);
  }
}

function frameBytes(source: string, sequence: number): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES, 0x5a);
  frame.set(sequence % GROUP === 0 ? [0x17, 1, 0, 0, 0] : [0x27, 1, 0, 0, 0]);
  frame.writeUInt32BE(FRAME_BYTES - 9, 5);
  frame[9] = sequence % GROUP === 0 ? 0x65 : 0x41;
  frame.write(frameText(source, sequence), 10, 'latin1');
  return frame;
}
