import { readFileSync } from 'node:fs';
import type { MediaItem } from './media';

const HEADER_BYTES = 9;
const TAG_HEADER_BYTES = 11;
const SIZE_BYTES = 4;
const AUDIO = 8;
const VIDEO = 9;

/** The audio and video of an FLV file, in its order: each tag's body is that of an RTMP message. */
export function mediaOfFlv(path: string): MediaItem[] {
  return mediaInFlv(readFileSync(path));
}

/** The audio and video in the bytes of an FLV file. */
export function mediaInFlv(bytes: Buffer): MediaItem[] {
  const reader = new FlvReader();
  reader.push(bytes);
  return reader.media;
}

/** Collects the audio and video of an FLV stream. Throws where the bytes are no FLV: each tag is followed by its size. */
export class FlvReader {
  readonly media: MediaItem[] = [];
  /** The flags of its header: 4 audio, 1 video; undefined until it has come. */
  flags: number | undefined;
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    if (this.flags === undefined) {
      if (this.#rest.length < HEADER_BYTES + SIZE_BYTES) return;
      if (this.#rest.toString('latin1', 0, 4) !== 'FLV\x01') throw new Error('no FLV header');
      this.flags = this.#rest[4]!;
      at = HEADER_BYTES + SIZE_BYTES;
    }
    this.#rest = this.#rest.subarray(readTags(this.#rest, at, this.media));
  }
}

/** Adds the media in the complete tags from `start` on; returns where the first incomplete one begins. */
function readTags(bytes: Buffer, start: number, items: MediaItem[]): number {
  let at = start;
  while (at + TAG_HEADER_BYTES <= bytes.length) {
    const type = bytes[at]!;
    const length = bytes.readUIntBE(at + 1, 3);
    const timestamp = bytes.readUIntBE(at + 4, 3) + bytes[at + 7]! * 0x1000000;
    const end = at + TAG_HEADER_BYTES + length;
    if (end + SIZE_BYTES > bytes.length) break;
    if (bytes.readUInt32BE(end) !== TAG_HEADER_BYTES + length) throw new Error(`a wrong size behind a tag at ${at}`);
    const payload = bytes.subarray(at + TAG_HEADER_BYTES, end);
    if (type === AUDIO) items.push({ kind: 'audio', timestamp, payload });
    else if (type === VIDEO) items.push({ kind: 'video', timestamp, payload });
    at = end + SIZE_BYTES;
  }
  return at;
}
