import { get } from 'node:http';
import { runBounded } from '../load/bounded-parallel';
import type { HonestApi, HonestReport } from '../load/generator-api';
import { monotonicMs } from '../load/monotonic-clock';
import { encodeMessage, messageType } from '../wire/chunk-encoding';
import type { IncomingMessage } from '../wire/chunk-reader';
import { RtmpClient } from '../wire/rtmp-client';
import { addressOf, type StreamAddress } from '../wire/stream-address';

const FRAME_MS = 40;
/** 25 of these a second are 250 kbit/s. */
const FRAME_BYTES = 1_250;
/** Frames from one keyframe to the next. */
const GOP_FRAMES = 50;
const CHUNK_BYTES = 4_096;
/** Where a frame carries its number. */
const NUMBER_AT = 5;
/** Streams that are started at a time. */
const STARTED_AT_ONCE = 10;
/** How often a new client comes (ms). */
const NEWCOMER_MS = 500;
/** Where health checks come from: an address like any other, unlike that of the streams. */
const CHECK_ADDRESS = '127.0.0.4';
/** How long the answer to a health check may take (ms). */
const CHECK_MS = 2_000;
/** How long frames that are on their way at the end may take (ms). */
const LAST_FRAMES_MS = 1_000;
const MAX_REASONS = 5;

const nothing = { onPayload: (): void => undefined };

/** Streams of 25 frames a second with a player each, and new clients that publish, during an attack. */
export class HonestStreams implements HonestApi {
  #pattern: StreamAddress | undefined;
  readonly #players: HonestPlayer[] = [];
  #sent = 0;
  #newcomers = 0;
  #served = 0;
  #slowestMs = 0;
  #checks = 0;
  #healthy = 0;
  #coming: NodeJS.Timeout | undefined;
  #reasons: string[] = [];

  async start({ pattern, count }: { pattern: StreamAddress; count: number }): Promise<void> {
    this.#pattern = pattern;
    const publishers: Publisher[] = [];
    await runBounded(count, STARTED_AT_ONCE, async (number) => {
      const address = addressOf(pattern, number);
      const client = await RtmpClient.open(address, CHUNK_BYTES, nothing);
      const messageStreamId = await client.publish();
      client.onLost = (reason) => this.#failed(`publisher ${number} was lost: ${reason}`);
      publishers.push({ client, messageStreamId, number });
      const player = new HonestPlayer();
      this.#players.push(player);
      const viewer = await RtmpClient.open(address, CHUNK_BYTES, { onPayload: (...args) => player.arrived(...args) });
      viewer.onLost = (reason) => this.#failed(`player ${number} was lost: ${reason}`);
      await viewer.play();
    });
    const startedMs = monotonicMs();
    setInterval(() => {
      for (; startedMs + this.#sent * FRAME_MS <= monotonicMs(); this.#sent += 1) {
        for (const publisher of publishers) sendFrame(publisher, this.#sent);
      }
    }, 5);
  }

  async beginWindow({ httpPort }: { httpPort: number }): Promise<void> {
    for (const player of this.#players) player.begin();
    this.#coming = setInterval(() => {
      void this.#newcomer();
      if (httpPort > 0) void this.#check(httpPort);
    }, NEWCOMER_MS);
  }

  async endWindow(): Promise<HonestReport> {
    clearInterval(this.#coming);
    for (const player of this.#players) player.gapEnds();
    const gaps = this.#players.map(({ longestGapMs }) => longestGapMs);
    const last = this.#sent - 1;
    const untilMs = monotonicMs() + LAST_FRAMES_MS;
    while (this.#players.some(({ newest }) => newest < last) && monotonicMs() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return {
      longestGapMs: Math.max(...gaps),
      frames: this.#players.reduce((sum, { frames }) => sum + frames, 0),
      lost: this.#players.reduce((sum, player) => sum + player.lost + Math.max(0, last - player.newest), 0),
      newcomers: this.#newcomers,
      served: this.#served,
      slowestMs: this.#slowestMs,
      checks: this.#checks,
      healthy: this.#healthy,
      reasons: this.#reasons,
    };
  }

  async #newcomer(): Promise<void> {
    const number = (this.#newcomers += 1);
    const startedMs = monotonicMs();
    try {
      const client = await RtmpClient.open({ ...this.#pattern!, app: `newcomer-${number}` }, CHUNK_BYTES, nothing);
      await client.publish();
      client.close();
      this.#served += 1;
      this.#slowestMs = Math.max(this.#slowestMs, monotonicMs() - startedMs);
    } catch (error) {
      this.#failed(`a newcomer: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** A load balancer's health check, on a connection of its own. */
  #check(port: number): Promise<void> {
    this.#checks += 1;
    const { host } = this.#pattern!;
    return new Promise((resolve) => {
      const options = { host, port, path: '/healthz', agent: false, timeout: CHECK_MS, localAddress: CHECK_ADDRESS };
      const asked = get(options, (answer) => {
        answer.resume();
        if (answer.statusCode === 200) this.#healthy += 1;
        else this.#failed(`a health check: status ${answer.statusCode}`);
        resolve();
      });
      asked.on('timeout', () => asked.destroy(new Error(`no answer in ${CHECK_MS} ms`)));
      asked.on('error', (error) => {
        this.#failed(`a health check: ${error.message}`);
        resolve();
      });
    });
  }

  #failed(reason: string): void {
    if (this.#reasons.length < MAX_REASONS) this.#reasons.push(reason);
  }
}

interface Publisher {
  readonly client: RtmpClient;
  readonly messageStreamId: number;
  readonly number: number;
}

/** Keyframes of the streams do not coincide. */
function sendFrame({ client, messageStreamId, number }: Publisher, frame: number): void {
  const payload = Buffer.alloc(FRAME_BYTES, frame & 0xff);
  payload[0] = (frame + number) % GOP_FRAMES === 0 || frame === 0 ? 0x17 : 0x27;
  payload[1] = 1;
  payload.writeUInt32BE(frame, NUMBER_AT);
  const header = { chunkStreamId: 6, type: messageType.video, messageStreamId, timestamp: frame * FRAME_MS };
  client.write(encodeMessage(header, payload, CHUNK_BYTES));
}

/** What arrives at one player. */
class HonestPlayer {
  newest = -1;
  frames = 0;
  lost = 0;
  longestGapMs = 0;
  #lastFrameMs = 0;
  readonly #head = Buffer.alloc(NUMBER_AT + 4);

  begin(): void {
    this.#lastFrameMs = monotonicMs();
    this.longestGapMs = 0;
    this.frames = 0;
    this.lost = 0;
  }

  arrived(message: IncomingMessage, buffer: Buffer, start: number, end: number): void {
    if (message.received < this.#head.length) {
      buffer.copy(this.#head, message.received, start, Math.min(end, start + this.#head.length - message.received));
    }
    if (message.received + end - start < message.length) return;
    const number = this.#head.readUInt32BE(NUMBER_AT);
    this.lost += Math.max(0, number - this.newest - 1);
    this.newest = number;
    this.frames += 1;
    this.gapEnds();
  }

  gapEnds(): void {
    const now = monotonicMs();
    this.longestGapMs = Math.max(this.longestGapMs, now - this.#lastFrameMs);
    this.#lastFrameMs = now;
  }
}
