import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { RecordFormat } from '../policy/output-policy';
import type { StreamIdentity } from '../stream/output';

const Milliseconds = z.number().nonnegative();

/** A stretch of a file in which something is missing or nothing was sent; both times in seconds of the file. */
const Stretch = z.object({ at: Milliseconds, seconds: Milliseconds, reason: z.string() });

/** One file of a recording. */
const RecordedFile = z.object({
  /** Beside the document. */
  name: z.string(),
  startedAt: z.string(),
  endedAt: z.string(),
  /** By the stream's clock. */
  seconds: Milliseconds,
  bytes: z.int().nonnegative(),
  /** As `MediaTag` names codecs; empty: there is none. */
  video: z.string(),
  audio: z.string(),
  /** The stream's own time at the beginning of the file (ms). */
  streamTime: z.number(),
  /** Wall clock less stream clock at the end of the file (ms), pauses and gaps apart. */
  driftMs: z.int(),
  /** Why the next file began; empty: it is the last one. */
  ended: z.enum(['', 'codec', 'clock', 'size', 'time', 'source', 'storage']),
  gaps: z.array(Stretch),
  pauses: z.array(Stretch),
});

/** What stands in the JSON beside the files of a recording. */
export const RecordingDocument = z.object({
  version: z.literal(1),
  /** The same in the event. */
  id: z.string(),
  state: z.enum(['recording', 'done', 'failed']),
  channel: z.string(),
  streamId: z.string(),
  format: z.enum(['flv', 'mp4']),
  startedAt: z.string(),
  endedAt: z.string(),
  seconds: Milliseconds,
  bytes: z.int().nonnegative(),
  /** Why it ended: as in `StreamEnding`, or `killed`, `storage` and `continued`. */
  code: z.string(),
  reason: z.string(),
  files: z.array(RecordedFile),
});

export type Stretch = z.infer<typeof Stretch>;
export type RecordedFile = z.infer<typeof RecordedFile>;
export type RecordingDocument = z.infer<typeof RecordingDocument>;

/** With more files, the stream continues in another recording: the document is written again with each of them. */
export const MAX_FILES = 500;
/** Gaps and pauses of all files of a recording whose connection breaks all day; more are not listed. */
const MAX_STRETCHES = 1_000;

/** How many gaps and pauses another file may list. */
export function roomForStretches(files: readonly RecordedFile[]): number {
  return files.reduce((room, { gaps, pauses }) => room - gaps.length - pauses.length, MAX_STRETCHES);
}

/** @param at when the recording began (ms since the epoch) */
export function newDocument(
  { channel, streamId }: StreamIdentity,
  format: RecordFormat,
  at: number,
): RecordingDocument {
  const time = new Date(at).toISOString();
  return {
    ...{ version: 1, id: randomUUID(), state: 'recording', format, channel, streamId, startedAt: time, endedAt: time },
    ...{ seconds: 0, bytes: 0, code: '', reason: '', files: [] },
  };
}

/** Sums up the files in the fields of the recording. */
export function sumUp(document: RecordingDocument): void {
  let ms = 0;
  document.bytes = 0;
  for (const { seconds, bytes } of document.files) {
    ms += Math.round(seconds * 1000);
    document.bytes += bytes;
  }
  document.seconds = ms / 1000;
}
