import { flvHeader, TAG_HEADER_BYTES, writeTagHeader } from '../../protocol/flv/flv-tag';
import { MediaFlag } from '../../protocol/media/media-tag';
import { MessageType } from '../../protocol/message-types';
import type { MediaMessage } from '../stream/output';
import type { Container, CutReason, FileSink } from './container';
import { FileClock, Track } from './file-clock';
import { StreamHeaders } from './stream-headers';

/** A stream without video for this long (ms of the stream) is recorded as audio alone. */
const AUDIO_ALONE_MS = 1_000;
/** A stream that has no keyframe for this long (ms) is recorded from wherever it is. */
const MAX_WAIT_MS = 10_000;
/** How much audio and data from before the first keyframe is kept. */
const MAX_WAITING_MS = 2_000;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Audio that is older than this (ms) before a keyframe says nothing about where a file begins. */
const RECENT_MS = 5_000;
/** Changed headers that are kept until a frame comes. */
const MAX_CHANGED = 64;
/** The time of a tag has 32 bits, which many players read as a signed number. The last hour is for a keyframe to come. */
const MAX_FILE_MS = 2 ** 31 - 1;
const FULL_FILE_MS = MAX_FILE_MS - 3_600_000;

/** FLV: each message is a tag, with the payload that the publisher sent. Times begin at zero in each file. */
export class FlvContainer implements Container {
  readonly #sink: FileSink;
  readonly #headers = new StreamHeaders();
  readonly #clock = new FileClock();
  readonly #tagHeader = Buffer.alloc(TAG_HEADER_BYTES);
  readonly #tagSize = Buffer.alloc(4);
  #hasBegun = false;
  #cut: CutReason | undefined;
  /** From before the first keyframe. */
  #waiting: MediaMessage[] = [];
  #waitingBytes = 0;
  #waitsSince: number | undefined;
  /** Changed headers: they belong to the next file if a keyframe follows, otherwise to this one. */
  #changed: MediaMessage[] = [];
  /** Headers that are as before are sent again after a gap. */
  #ignoresRepeated = false;
  #lastAudio = -Infinity;
  #video = '';
  #audio = '';

  constructor(sink: FileSink) {
    this.#sink = sink;
  }

  get fileMs(): number {
    return this.#clock.now;
  }

  write(message: MediaMessage): void {
    const change = this.#headers.note(message);
    const isFrame = change === 'frame' || change === 'codec';
    if (!this.#hasBegun) {
      if (isFrame) this.#wait(message);
      return;
    }
    if (isFrame) this.#ignoresRepeated = false;
    else if (change === 'repeated' && this.#ignoresRepeated) return;
    if (change === 'codec') this.#cut ??= 'codec';
    if (change === 'changed') {
      this.#cut ??= 'codec';
      this.#changed.push(message);
      if (this.#changed.length > MAX_CHANGED) this.#changed.shift();
    } else if (isFrame && this.#beginsFile(message)) {
      this.#begin(message);
    } else {
      this.#continue(message);
    }
  }

  gap(): void {
    this.#ignoresRepeated = true;
  }

  allowStep(ms: number): void {
    this.#ignoresRepeated = true;
    this.#clock.allowStep(ms);
  }

  cut(why: CutReason): void {
    if (this.#hasBegun) this.#cut ??= why;
  }

  end(): void {
    if (!this.#hasBegun && this.#waiting.some(({ typeId }) => typeId === MessageType.Audio)) this.#begin(undefined);
  }

  #wait(message: MediaMessage): void {
    const { flags, timestamp, payload, typeId } = message;
    this.#waitsSince ??= timestamp;
    const waited = timestamp - this.#waitsSince;
    const isAlone = this.#headers.video === '' && typeId === MessageType.Audio && waited >= AUDIO_ALONE_MS;
    if ((flags & MediaFlag.Keyframe) !== 0 || isAlone || waited >= MAX_WAIT_MS) {
      this.#begin(message);
      return;
    }
    if (typeId === MessageType.Video) return;
    this.#waiting.push(message);
    this.#waitingBytes += payload.length;
    while (this.#waitingBytes > MAX_WAITING_BYTES || timestamp - this.#waiting[0]!.timestamp > MAX_WAITING_MS) {
      this.#waitingBytes -= this.#waiting.shift()!.payload.length;
      if (this.#waiting.length === 0) break;
    }
  }

  #beginsFile({ typeId, flags }: MediaMessage): boolean {
    if (this.#clock.now > FULL_FILE_MS) this.#cut ??= 'time';
    if (this.#clock.hasJumped) this.#cut ??= 'clock';
    if (this.#cut === undefined) return false;
    if ((flags & MediaFlag.Keyframe) !== 0 || this.#clock.now > MAX_FILE_MS - RECENT_MS) return true;
    return typeId === MessageType.Audio && this.#headers.video === '';
  }

  /** @param first undefined: the stream has ended, and there is only what waited */
  #begin(first: MediaMessage | undefined): void {
    const why = this.#hasBegun ? (this.#cut ?? 'codec') : undefined;
    const frames = first === undefined ? this.#waiting : [...this.#waiting, first];
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#changed = [];
    this.#cut = undefined;
    this.#hasBegun = true;
    const zero = this.#zeroOf(frames);
    const { video, audio } = this.#headers;
    [this.#video, this.#audio] = [video, audio];
    // Until then, the file's time is that of the file before.
    this.#sink.begin({ why, streamTime: zero, video, audio });
    this.#clock.begin(zero);
    this.#sink.append(flvHeader({ video: video !== '', audio: audio !== '' }));
    for (const header of this.#headers.list()) this.#tag(header, 0);
    for (const frame of frames) this.#continue(frame);
  }

  /** Audio that was sent before a keyframe is often a little earlier, and the audio after it too: none may be below zero. */
  #zeroOf(frames: readonly MediaMessage[]): number {
    let zero = frames.at(-1)!.timestamp;
    for (const { timestamp, typeId } of frames) {
      if (typeId !== MessageType.DataAmf0 && timestamp < zero && timestamp > zero - RECENT_MS) zero = timestamp;
    }
    return this.#lastAudio < zero && this.#lastAudio > zero - RECENT_MS ? this.#lastAudio : zero;
  }

  #continue(message: MediaMessage): void {
    const changed = this.#changed;
    if (changed.length > 0) {
      this.#changed = [];
      for (const header of changed) this.#continue(header);
    }
    const { typeId, timestamp, flags } = message;
    const isLoose = typeId === MessageType.DataAmf0 || (flags & MediaFlag.Config) !== 0;
    if (isLoose) {
      this.#tag(message, this.#clock.placeLoosely(timestamp));
    } else {
      const isVideo = typeId === MessageType.Video;
      if (!isVideo) this.#lastAudio = timestamp;
      this.#tag(message, this.#clock.place(isVideo ? Track.Video : Track.Audio, timestamp));
    }
    const { video, audio } = this.#headers;
    if (video === this.#video && audio === this.#audio) return;
    [this.#video, this.#audio] = [video, audio];
    this.#sink.tracks(video, audio);
  }

  #tag({ typeId, payload }: MediaMessage, time: number): void {
    writeTagHeader(this.#tagHeader, typeId, payload.length, time);
    this.#tagSize.writeUInt32BE(TAG_HEADER_BYTES + payload.length, 0);
    this.#sink.append(this.#tagHeader);
    this.#sink.append(payload);
    this.#sink.append(this.#tagSize);
  }
}
