import { z } from 'zod';
import { Count, Time } from './common';

const shared = {
  id: z.string().describe('Unique within the stream; orders name outputs by it. Each node has its own id for a target'),
  since: Time.describe('When the output was added'),
  origin: z.enum(['policy', 'order']).describe('order: an operator added it to the running stream'),
  reason: z.string().describe('Why it is waiting or failed; otherwise empty'),
  bytes: Count.describe('Sent or stored so far'),
  gaps: Count.describe('How often part of the stream was left out'),
};

export const OutputKind = z.enum(['forward', 'record', 'hls']).meta({ id: 'OutputKind' });

export const RecordFormat = z.enum(['flv', 'mp4']).meta({ id: 'RecordFormat' });

/** Waiting: before the next attempt. Failed: given up until an operator adds it again. */
export const ForwardStatus = z
  .object({
    ...shared,
    kind: z.literal('forward'),
    target: z.string().describe('Where to, without key, query and password'),
    state: z.enum(['connecting', 'live', 'waiting', 'failed']),
    attempts: Count.describe('Connections so far'),
    framesDropped: Count,
  })
  .meta({ id: 'ForwardStatus' });

/** Spooling: the place cannot be reached, and the recording waits on the local disk. */
export const RecordingStatus = z
  .object({
    ...shared,
    kind: z.literal('record'),
    format: RecordFormat,
    place: z.string().describe('The file being written, such as s3://bucket/news/2026/11/29/18-30-05_ID.flv'),
    state: z.enum(['waiting', 'recording', 'spooling', 'finishing', 'failed']),
    seconds: Count.describe('Recorded so far, all parts'),
    parts: Count,
    waitingBytes: Count.describe('In memory and on disk, not yet stored'),
  })
  .meta({ id: 'RecordingStatus' });

export const HlsStatus = z
  .object({
    ...shared,
    kind: z.literal('hls'),
    state: z.enum(['waiting', 'live', 'failed']),
    url: z.string().describe('Of the playlist: a path on this node, or where it is stored'),
    segments: Count.describe('Made so far'),
    waitingBytes: Count.describe('Not yet stored'),
  })
  .meta({ id: 'HlsStatus' });

/** An output of a stream: it is forwarded, recorded or packaged. Nothing in it is secret. */
export const OutputStatus = z
  .discriminatedUnion('kind', [ForwardStatus, RecordingStatus, HlsStatus])
  .meta({ id: 'OutputStatus' });

export type OutputKind = z.infer<typeof OutputKind>;
export type ForwardStatus = z.infer<typeof ForwardStatus>;
export type RecordingStatus = z.infer<typeof RecordingStatus>;
export type HlsStatus = z.infer<typeof HlsStatus>;
export type OutputStatus = z.infer<typeof OutputStatus>;
