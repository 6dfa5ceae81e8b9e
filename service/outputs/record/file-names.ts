import { createHash } from 'node:crypto';
import type { RecordFormat } from '../policy/output-policy';

/** Longer names are cut, so that folder and file names keep below the 255 bytes of file systems. */
const MAX_NAME_CHARACTERS = 100;
const DIGEST_CHARACTERS = 12;

/**
 * A channel or stream id as part of a path: letters, digits, `-` and `_` stay, every other byte of its UTF-8 becomes `!`
 * and two hexadecimal digits. Two names never become the same one; none can leave its folder.
 */
export function pathName(name: string): string {
  let safe = '';
  for (const byte of Buffer.from(name)) {
    const character = String.fromCharCode(byte);
    safe += /[A-Za-z0-9_-]/.test(character) ? character : `!${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  if (safe === '') return '!';
  if (safe.length <= MAX_NAME_CHARACTERS) return safe;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, DIGEST_CHARACTERS);
  return `${safe.slice(0, MAX_NAME_CHARACTERS - DIGEST_CHARACTERS - 2)}!-${digest}`;
}

/** Where the files of a recording are, relative to the place of all recordings. */
export interface RecordingName {
  /** Such as `news/2026/11/29`. */
  readonly folder: string;
  /** Such as `18-30-05_ID`; clashes get a suffix. */
  readonly stem: string;
}

/** @param at when the recording began (ms since the epoch); names are in UTC */
export function recordingName(channel: string, streamId: string, at: number): RecordingName {
  const [day = '', time = ''] = new Date(at).toISOString().split(/[T.]/);
  const id = streamId === '' ? '' : `_${pathName(streamId)}`;
  return { folder: `${pathName(channel)}/${day.replaceAll('-', '/')}`, stem: `${time.replaceAll(':', '-')}${id}` };
}

/** The first file is `STEM.flv`, the second one `STEM.2.flv`. */
export function fileName(stem: string, number: number, format: RecordFormat): string {
  return number === 1 ? `${stem}.${format}` : `${stem}.${number}.${format}`;
}

export function documentName(stem: string, format: RecordFormat): string {
  return `${stem}.${format}.json`;
}

/** The stem for the nth attempt to find a free name: `STEM`, `STEM-2`, `STEM-3`. */
export function stemForAttempt(stem: string, attempt: number): string {
  return attempt === 1 ? stem : `${stem}-${attempt}`;
}
