import { z } from 'zod';
import { Channel, Count, Time } from './common';
import { stamp } from './event-stamp';
import { OutputKind, RecordFormat } from './output';

const ofOutput = {
  ...stamp,
  channel: Channel,
  streamId: z.string(),
  output: z.string().describe('Id of the output, unique within the stream'),
};

export const RecordedFile = z
  .object({
    place: z.string().describe('Path, or such as s3://bucket/news/2026/11/29/18-30-05_ID.flv'),
    startedAt: Time,
    seconds: Count,
    bytes: Count,
  })
  .meta({ id: 'RecordedFile' });

const recording = {
  ...ofOutput,
  recording: z.string().describe('Unique. An event that is repeated after a crash has the same, as has the JSON'),
  format: RecordFormat,
  files: z.array(RecordedFile).describe('Complete and stored; of more than a hundred the last hundred'),
  parts: Count.describe('How many files there are'),
  startedAt: Time,
  seconds: Count.describe('Of all files together'),
  bytes: Count.describe('Of all files together'),
  gaps: Count.describe('How often part of the stream is missing'),
  codecs: z.array(z.string()).describe('FourCCs or names of older codecs, such as avc1 and mp4a'),
  reason: z.string().describe('Why the recording ended, in a sentence'),
};

/** A recording ended, and all of it is stored. Each recording has one such event, or one that it failed. */
export const RecordingDone = z
  .object({ ...recording, type: z.literal('recording.done') })
  .meta({ id: 'RecordingDone' });

/** A recording ended before its stream, or part of it could not be stored. `files` lists the files that are stored. */
export const RecordingFailed = z
  .object({ ...recording, type: z.literal('recording.failed') })
  .meta({ id: 'RecordingFailed' });

const forward = {
  ...ofOutput,
  target: z.string().describe('Where to, without key, query and password'),
};

/** The target takes the stream. */
export const ForwardLive = z.object({ ...forward, type: z.literal('forward.live') }).meta({ id: 'ForwardLive' });

/** The target cannot be reached, or does not take the stream at present. One event per outage. */
export const ForwardWaiting = z
  .object({ ...forward, type: z.literal('forward.waiting'), reason: z.string() })
  .meta({ id: 'ForwardWaiting' });

/** The forward is given up: an operator has to add it again. */
export const ForwardFailed = z
  .object({ ...forward, type: z.literal('forward.failed'), reason: z.string() })
  .meta({ id: 'ForwardFailed' });

/** An output has left out part of its stream. */
export const OutputGap = z
  .object({ ...ofOutput, type: z.literal('output.gap'), kind: OutputKind, missingMs: Count })
  .meta({ id: 'OutputGap' });

/** The node's program of outputs ended, or cannot be reached: nothing is forwarded, recorded or packaged. */
export const OutputsDown = z
  .object({ ...stamp, type: z.literal('outputs.down'), reason: z.string() })
  .meta({ id: 'OutputsDown' });

export const OutputsUp = z.object({ ...stamp, type: z.literal('outputs.up') }).meta({ id: 'OutputsUp' });
