import { createHash } from 'node:crypto';

/** Kinds of files, which say how long a copy of one may be kept. */
export type FileKind = 'playlist' | 'init' | 'segment';

export const PLAYLIST_TYPE = 'application/vnd.apple.mpegurl';
export const MP4_TYPE = 'video/mp4';
export const SEGMENT_TYPE = 'video/iso.segment';

/** Content types by the ends of names. */
export function contentTypeOf(name: string): string {
  return name.endsWith('.m3u8') ? PLAYLIST_TYPE : name.endsWith('.mp4') ? MP4_TYPE : SEGMENT_TYPE;
}

/** Where the files of a channel are stored, other than in memory. */
export interface HlsStore {
  /** Such as `s3://bucket/prefix/news/`. */
  readonly place: string;
  /** undefined: there is no such file. */
  read(name: string): Promise<Buffer | undefined>;
  /** Replaces a file as a whole: readers get the old or the new one. */
  write(name: string, bytes: Buffer, kind: FileKind): Promise<void>;
  /** Removes files; those that do not exist are no fault. */
  remove(names: readonly string[]): Promise<void>;
}

/** The name of the multivariant playlist, with which players begin, and of the media playlist. */
export const MULTIVARIANT = 'index.m3u8';
export const MEDIA_PLAYLIST = 'live.m3u8';
export const WHOLE_PLAYLIST = 'whole.m3u8';

/** The longest name of a folder that is written out (bytes): file systems take 255. */
const MAX_FOLDER = 200;

/** A channel in the path of a URL: its name where that is safe, otherwise percent-encoded. */
export function pathOf(channel: string): string {
  const encoded = encodeURIComponent(channel).replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return encoded.replace(/^\./, '%2E');
}

/** The folder of a channel: as in URLs, but short enough for every file system, and never empty. */
export function folderOf(channel: string): string {
  const path = pathOf(channel);
  // A lone `%` is in no encoded name.
  if (path === '') return '%';
  if (path.length <= MAX_FOLDER) return path;
  return `${path.slice(0, MAX_FOLDER - 65)}%${createHash('sha256').update(channel).digest('hex')}`;
}
