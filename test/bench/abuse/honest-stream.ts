import type { HonestApi, HonestReport } from '../load/generator-api';
import { monotonicMs } from '../load/monotonic-clock';
import { encodeMessage, messageType } from '../wire/chunk-encoding';
import type { IncomingMessage } from '../wire/chunk-reader';
import { RtmpClient } from '../wire/rtmp-client';
import type { StreamAddress } from '../wire/stream-address';

const FRAME_MS = 40;
const FRAME_BYTES = 4_000;
/** Frames from one keyframe to the next. */
const GOP_FRAMES = 50;
const CHUNK_BYTES = 4_096;
/** How often a new client comes (ms). */
const NEWCOMER_MS = 500;
const MAX_REASONS = 5;

const nothing = { onPayload: (): void => undefined };

/** A stream of 25 frames a second, its player, and new clients that publish during an attack. */
export class HonestStream implements HonestApi {
  #address: StreamAddress | undefined;
  #lastFrameMs = 0;
  #longestGapMs = 0;
  #frames = 0;
  #newcomers = 0;
  #served = 0;
  #slowestMs = 0;
  #coming: NodeJS.Timeout | undefined;
  #reasons: string[] = [];

  async start({ address }: { address: StreamAddress }): Promise<void> {
    this.#address = address;
    const publisher = await RtmpClient.open(address, CHUNK_BYTES, nothing);
    const messageStreamId = await publisher.publish();
    publisher.onLost = (reason) => this.#failed(`the publisher was lost: ${reason}`);
    const player = await RtmpClient.open(address, CHUNK_BYTES, { onPayload: (...args) => this.#arrived(...args) });
    player.onLost = (reason) => this.#failed(`the player was lost: ${reason}`);
    await player.play();
    const startedMs = monotonicMs();
    let sent = 0;
    setInterval(() => {
      for (; startedMs + sent * FRAME_MS <= monotonicMs(); sent += 1) {
        const payload = Buffer.alloc(FRAME_BYTES, sent & 0xff);
        payload[0] = sent % GOP_FRAMES === 0 ? 0x17 : 0x27;
        payload[1] = 1;
        const header = { chunkStreamId: 6, type: messageType.video, messageStreamId, timestamp: sent * FRAME_MS };
        publisher.write(encodeMessage(header, payload, CHUNK_BYTES));
      }
    }, 5);
  }

  async beginWindow(): Promise<void> {
    this.#lastFrameMs = monotonicMs();
    this.#longestGapMs = 0;
    this.#frames = 0;
    this.#coming = setInterval(() => void this.#newcomer(), NEWCOMER_MS);
  }

  async endWindow(): Promise<HonestReport> {
    clearInterval(this.#coming);
    this.#gapEnds();
    return {
      longestGapMs: this.#longestGapMs,
      frames: this.#frames,
      newcomers: this.#newcomers,
      served: this.#served,
      slowestMs: this.#slowestMs,
      reasons: this.#reasons,
    };
  }

  #arrived(message: IncomingMessage, _buffer: Buffer, start: number, end: number): void {
    if (message.received + end - start < message.length) return;
    this.#frames += 1;
    this.#gapEnds();
  }

  #gapEnds(): void {
    const now = monotonicMs();
    this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastFrameMs);
    this.#lastFrameMs = now;
  }

  async #newcomer(): Promise<void> {
    const number = (this.#newcomers += 1);
    const startedMs = monotonicMs();
    try {
      const client = await RtmpClient.open({ ...this.#address!, app: `newcomer-${number}` }, CHUNK_BYTES, nothing);
      await client.publish();
      client.close();
      this.#served += 1;
      this.#slowestMs = Math.max(this.#slowestMs, monotonicMs() - startedMs);
    } catch (error) {
      this.#failed(`a newcomer: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #failed(reason: string): void {
    if (this.#reasons.length < MAX_REASONS) this.#reasons.push(reason);
  }
}
