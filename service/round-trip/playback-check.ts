import { MessageType } from '../protocol/message-types';
import type { Frame, MediaMessage, TestStream } from './test-stream';

/** A player on another node than the publisher may join late, at a key frame, but not after this share of the stream. */
const LATEST_START = 0.5;

type Received = Pick<MediaMessage, 'typeId' | 'timestamp' | 'payload'>;

function same(a: Received, b: Received): boolean {
  return a.typeId === b.typeId && a.timestamp === b.timestamp && a.payload.equals(b.payload);
}

function nameOf({ typeId, timestamp }: Received): string {
  return `${typeId === MessageType.Video ? 'video' : 'audio'} at ${timestamp} ms`;
}

/** Compares a player's messages with the published ones as they arrive. */
export class PlaybackCheck {
  readonly #sent: TestStream;
  readonly #headersMissing: Set<MediaMessage>;
  #metadataSeen = false;
  /** Index of the frame that must come next; undefined before the first. */
  #next: number | undefined;
  #fault: string | undefined;

  constructor(sent: TestStream) {
    this.#sent = sent;
    this.#headersMissing = new Set(sent.headers);
  }

  /** How the received stream differs from the published one; undefined while it does not. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Everything up to the last frame has arrived without a difference. */
  get complete(): boolean {
    return this.#fault === undefined && this.missing() === undefined;
  }

  /** The first part that has not arrived yet; undefined when everything has. */
  missing(): string | undefined {
    if (!this.#metadataSeen) return 'onMetaData';
    const [header] = this.#headersMissing;
    if (header !== undefined) return `sequence header of ${nameOf(header)}`;
    const next = this.#sent.frames[this.#next ?? 0];
    return next === undefined ? undefined : nameOf(next);
  }

  metadata(body: Buffer): void {
    if (body.equals(this.#sent.metadata)) this.#metadataSeen = true;
    else this.#fault ??= 'onMetaData differs from what was published';
  }

  media(message: Received): void {
    const header = this.#sent.headers.find(
      ({ typeId, payload }) => typeId === message.typeId && payload.equals(message.payload),
    );
    // A header may come again when the player starts late.
    if (header !== undefined) this.#headersMissing.delete(header);
    else this.#frame(message);
  }

  #frame(message: Received): void {
    const { frames } = this.#sent;
    this.#next ??= this.#firstFrame(message);
    const expected: Frame | undefined = frames[this.#next];
    if (expected === undefined || !same(message, expected)) {
      this.#fault ??= `got ${nameOf(message)}, expected ${expected === undefined ? 'nothing more' : nameOf(expected)}`;
      return;
    }
    this.#next += 1;
  }

  /** Index of the frame at which the player started, a key frame that is not too late; 0 if there is none such. */
  #firstFrame(message: Received): number {
    const { frames, durationMs } = this.#sent;
    const index = frames.findIndex(
      (frame) => frame.keyframe && frame.timestamp <= durationMs * LATEST_START && same(message, frame),
    );
    return Math.max(index, 0);
  }
}
