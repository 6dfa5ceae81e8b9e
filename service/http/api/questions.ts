import { z } from 'zod';
import { Channel } from './schemas/common';
import { Event } from './schemas/event';
import { StreamFigures } from './schemas/figures';
import { Node } from './schemas/node';
import { OutputOrder } from './schemas/output-order';
import { Refusal } from './schemas/refusal';
import { History, Stream } from './schemas/stream';

/**
 * What the node that answers a client asks every node of the fleet, itself included. Questions and answers are JSON: they
 * pass between processes of a machine and between machines.
 */
export const Question = z.discriminatedUnion('ask', [
  z.strictObject({ ask: z.literal('streams'), history: z.boolean() }),
  z.strictObject({ ask: z.literal('channel'), channel: Channel }),
  z.strictObject({ ask: z.literal('keyframe'), channel: Channel }),
  z.strictObject({ ask: z.literal('node') }),
  z.strictObject({ ask: z.literal('refusals') }),
  z.strictObject({
    ask: z.literal('feed'),
    /** By node: the newest event that the asking node has. Of other nodes, only the newest id is wanted. */
    after: z.record(z.string(), z.string()),
    figures: z.boolean(),
  }),
  z.strictObject({ ask: z.literal('events'), sinceMs: z.number() }),
  z.strictObject({ ask: z.literal('order'), text: z.string().max(4096) }),
  z.strictObject({ ask: z.literal('output'), channel: Channel, order: OutputOrder }),
]);

/** Events of kinds that this node does not know, from a node of a later version, are left out. */
const Events = z.array(z.unknown()).transform((events) =>
  events.flatMap((event) => {
    const { success, data } = Event.safeParse(event);
    return success ? [data] : [];
  }),
);

const Relayed = z.object({ channel: z.string(), players: z.number() });

/** Answers by question. Of a channel that a node relays, it has only the players. */
export const ANSWERS = {
  streams: z.object({ streams: z.array(Stream), relayed: z.array(Relayed) }),
  channel: z.object({
    stream: Stream.extend({ history: History }).nullable(),
    players: z.number(),
    events: Events,
    refusals: z.array(Refusal),
  }),
  keyframe: z.object({ flv: z.string().nullable() }),
  node: Node,
  refusals: z.object({ refusals: z.array(Refusal) }),
  feed: z.object({
    events: Events,
    newest: z.string(),
    figures: z.object({ streams: z.array(StreamFigures), relayed: z.array(Relayed) }).nullable(),
  }),
  events: z.object({ events: Events }),
  order: z.object({ acted: z.boolean(), detail: z.string() }),
  /** `isHere`: the stream's publisher is on this node. */
  output: z.object({ acted: z.boolean(), detail: z.string(), isHere: z.boolean() }),
} as const;

export type Question = z.infer<typeof Question>;
export type Ask = Question['ask'];
export type Answer<A extends Ask> = z.infer<(typeof ANSWERS)[A]>;

/** The answer of one node. */
export interface NodeAnswer<A extends Ask = Ask> {
  readonly node: string;
  readonly answer: Answer<A>;
}
