import { readFileSync } from 'node:fs';
import type { MediaItem } from './media';

const HEADER_BYTES = 9;
const TAG_HEADER_BYTES = 11;
const SIZE_BYTES = 4;
const AUDIO = 8;
const VIDEO = 9;

/** The audio and video of an FLV file, in its order: each tag's body is that of an RTMP message. */
export function mediaOfFlv(path: string): MediaItem[] {
  const file = readFileSync(path);
  const items: MediaItem[] = [];
  for (let at = HEADER_BYTES + SIZE_BYTES; at + TAG_HEADER_BYTES <= file.length;) {
    const type = file[at]!;
    const length = file.readUIntBE(at + 1, 3);
    const timestamp = file.readUIntBE(at + 4, 3) + file[at + 7]! * 0x1000000;
    const payload = file.subarray(at + TAG_HEADER_BYTES, at + TAG_HEADER_BYTES + length);
    if (type === AUDIO) items.push({ kind: 'audio', timestamp, payload });
    else if (type === VIDEO) items.push({ kind: 'video', timestamp, payload });
    at += TAG_HEADER_BYTES + length + SIZE_BYTES;
  }
  return items;
}
