import { z } from 'zod';
import { OutputStatus, RecordFormat } from '../../http/api/schemas/output';
import { OutputOrder } from '../../http/api/schemas/output-order';
import { Ordered } from './ordered';
import type { OutputPolicy } from '../policy/output-policy';

/**
 * What node and program say to each other: JSON, one object a message. Both ends come from the same release in one
 * image, but are restarted apart from each other, so unknown fields are ignored.
 */
export const LINK_PATH = '/outputs';

/** Longest message, in bytes of JSON. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** The node pings this often; an end that hears nothing for three times as long gives the connection up (ms). */
export const PING_MS = 5_000;
export const SILENCE_MS = 3 * PING_MS;

const Policy: z.ZodType<OutputPolicy> = z.object({
  forward: z.array(z.string().max(4096)).max(64).exactOptional(),
  record: z.union([z.array(RecordFormat), z.literal('default')]).exactOptional(),
  hls: z.boolean().exactOptional(),
});

/** Where a node serves the stream to this program. */
const Place = z.object({
  host: z.string(),
  port: z.int().min(1).max(65_535),
  /** Connections begin with a PROXY protocol header. */
  proxyHeader: z.boolean(),
});

/** Names one stream, from its first start on this node to its end there. */
const Run = z.string().max(256);

/** A stream whose publisher is a client of this node. */
const StreamTold = z.object({
  channel: z.string(),
  run: Run,
  streamId: z.string(),
  /** Milliseconds since the epoch: a time that a Date can have. */
  startedAt: z.number().min(0).max(8.64e15),
  policy: Policy,
  place: Place,
  /** The publisher was lost, and the stream is held for it. */
  held: z.boolean(),
  /** For a program that does not know of it. */
  ordered: Ordered.exactOptional(),
});

export const FromNode = z.discriminatedUnion('kind', [
  /** The first message. */
  z.object({
    kind: z.literal('hello'),
    node: z.string(),
    /** Signs the tokens with which the program plays streams, base64. */
    playKey: z.string(),
    /** Where clients reach the node: a stream is not forwarded to where it comes from. */
    ports: z.array(z.int()),
    /** Of all streams, which follow one by one. Streams that the program knows and that are missing here have ended. */
    runs: z.array(Run),
  }),
  /** A stream began, its publisher is back, or another one continues it, perhaps with another policy. */
  z.object({ kind: z.literal('stream'), stream: StreamTold }),
  z.object({ kind: z.literal('held'), channel: z.string(), run: Run }),
  /** `code` is an `EndCode`, or `moved`: the stream continues on another node. */
  z.object({ kind: z.literal('ended'), channel: z.string(), run: Run, code: z.string(), reason: z.string() }),
  z.object({ kind: z.literal('order'), id: z.int(), channel: z.string(), run: Run, order: OutputOrder }),
  /** The node has the fact with that number. */
  z.object({ kind: z.literal('confirmed'), number: z.int() }),
  /** The node ends: the program completes its outputs within this time and says `finished`. */
  z.object({ kind: z.literal('finish'), withinMs: z.number() }),
]);

export const FromProgram = z.discriminatedUnion('kind', [
  /** The first message. */
  z.object({
    kind: z.literal('program'),
    pid: z.int(),
    /** Where it answers for HLS on 127.0.0.1; requests carry the link's token as bearer. */
    httpPort: z.int().min(1).max(65_535).nullable(),
  }),
  z.object({ kind: z.literal('status'), channel: z.string(), run: Run, outputs: z.array(OutputStatus).max(64) }),
  /** For the event bus; checked there. One with a number is sent again with the next link unless it was confirmed. */
  z.object({
    kind: z.literal('fact'),
    number: z.int().exactOptional(),
    fact: z.looseObject({ type: z.string() }),
  }),
  z.object({ kind: z.literal('answer'), id: z.int(), acted: z.boolean(), detail: z.string() }),
  /** What stands after an order, or when the link is new: also of an order whose answer came late or was lost. */
  z.object({ kind: z.literal('ordered'), channel: z.string(), run: Run, ordered: Ordered }),
  z.object({ kind: z.literal('finished') }),
]);

export type StreamPlace = z.infer<typeof Place>;
export type StreamTold = z.infer<typeof StreamTold>;
export type FromNode = z.infer<typeof FromNode>;
export type FromProgram = z.infer<typeof FromProgram>;

/** A message of the other end; undefined when it cannot be understood. */
export function readMessage<T>(schema: z.ZodType<T>, text: string): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return schema.safeParse(value).data;
}
