import { z } from 'zod';
import { ForwardUrlError, parseForwardUrl } from '../../../outputs/policy/forward-url';
import { RecordFormat } from './output';

/** The address of a target, which contains a secret: no message repeats any of it. */
const TargetUrl = z.string().superRefine((url, context) => {
  try {
    parseForwardUrl(url);
  } catch (error) {
    if (!(error instanceof ForwardUrlError)) throw error;
    context.addIssue({ code: 'custom', message: `the address ${error.message}` });
  }
});

const OutputId = z.string().min(1).max(256);
const Formats = z.array(RecordFormat).min(1).max(2);

/** Body of `forward`: also to this target, from now on until the stream ends. */
export const ForwardOrder = z
  .strictObject({
    url: TargetUrl.describe('rtmp://HOST/APP/KEY or rtmps://HOST/APP/KEY. A secret: no answer and no log shows it'),
  })
  .meta({ id: 'ForwardOrder' });

/** Body of `record`: a recording begins with the next keyframe. */
export const RecordOrder = z
  .strictObject({ formats: Formats.optional().describe('Default: those of RECORD_FORMAT') })
  .meta({ id: 'RecordOrder' });

/** Body of `remove-output`: ends a forward, a recording or HLS of the running stream. */
export const RemoveOutputOrder = z.strictObject({ output: OutputId }).meta({ id: 'RemoveOutputOrder' });

/** What an operator wants of the outputs of a stream, as nodes tell each other and the program of outputs. */
export const OutputOrder = z.discriminatedUnion('does', [
  z.object({ does: z.literal('addForward'), url: TargetUrl }),
  z.object({ does: z.literal('startRecording'), formats: Formats.exactOptional() }),
  /** Ends an output, whatever its kind; a forward that had failed is forgotten. */
  z.object({ does: z.literal('remove'), id: OutputId }),
  /** Ends all recordings of the stream. */
  z.object({ does: z.literal('stopRecording') }),
]);

export type ForwardOrder = z.infer<typeof ForwardOrder>;
export type RecordOrder = z.infer<typeof RecordOrder>;
export type RemoveOutputOrder = z.infer<typeof RemoveOutputOrder>;
export type OutputOrder = z.infer<typeof OutputOrder>;
