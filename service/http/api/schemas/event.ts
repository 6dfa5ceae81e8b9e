import { z } from 'zod';
import { Channel, Count, Time } from './common';
import { stamp } from './event-stamp';
import { Health } from './health';
import {
  ForwardFailed,
  ForwardLive,
  ForwardWaiting,
  OutputGap,
  OutputsDown,
  OutputsUp,
  RecordingDone,
  RecordingFailed,
} from './output-event';
import { RefusalCode } from './refusal';

const client = {
  address: z.string().describe('Address of the client'),
  encoder: z.string().describe('What the encoder calls itself; may be empty'),
};

/** A client wants to publish; the decision follows. */
export const PublishAsked = z
  .object({ ...stamp, type: z.literal('publish.asked'), channel: Channel, ...client })
  .meta({ id: 'PublishAsked' });

export const PublishAccepted = z
  .object({
    ...stamp,
    type: z.literal('publish.accepted'),
    channel: Channel,
    ...client,
    streamId: z.string(),
    resumed: z.boolean().describe('The publisher continues a stream that was live or held'),
  })
  .meta({ id: 'PublishAccepted' });

/** Repeated refusals of one channel and address are counted, and reported less and less often. */
export const PublishRefused = z
  .object({
    ...stamp,
    type: z.literal('publish.refused'),
    channel: Channel,
    ...client,
    code: RefusalCode,
    reason: z.string().describe('What the client was told'),
    count: z.int().positive().describe('Refusals of this channel, address and code so far'),
    firstAt: Time,
    sentence: z.string().describe('Such as: wrong key, from 203.0.113.7, 14 times in 5 minutes'),
  })
  .meta({ id: 'PublishRefused' });

export const StreamHealth = z
  .object({ ...stamp, type: z.literal('stream.health'), channel: Channel, streamId: z.string(), health: Health })
  .meta({ id: 'StreamHealth' });

/**
 * Why a stream ended. `stopped`: by the publisher. `lost`: the connection broke and nobody came back. `operator`: by an
 * order. `limit`: longest duration or highest bitrate. `replaced`: another publisher took the channel over. `timeout`:
 * no media. `shutdown`: the node ended.
 */
export const EndCode = z
  .enum(['stopped', 'lost', 'operator', 'limit', 'replaced', 'timeout', 'shutdown', 'other'])
  .meta({ id: 'EndCode' });

export const StreamEnded = z
  .object({
    ...stamp,
    type: z.literal('stream.ended'),
    channel: Channel,
    streamId: z.string(),
    code: EndCode,
    reason: z.string().describe('Why, in a sentence'),
    seconds: Count.describe('How long the stream was live on this node'),
  })
  .meta({ id: 'StreamEnded' });

/** The publisher was lost; the channel is held for it. */
export const StreamHeld = z
  .object({ ...stamp, type: z.literal('stream.held'), channel: Channel, streamId: z.string() })
  .meta({ id: 'StreamHeld' });

/** The number of viewers on one node has changed; at most one event in some seconds for each channel. */
export const StreamPlayers = z
  .object({ ...stamp, type: z.literal('stream.players'), channel: Channel, players: Count })
  .meta({ id: 'StreamPlayers' });

const nodeEvent = { ...stamp, subject: z.string().describe('Id of the node that joined, drains or left') };

export const NodeJoined = z.object({ ...nodeEvent, type: z.literal('node.joined') }).meta({ id: 'NodeJoined' });
export const NodeDraining = z.object({ ...nodeEvent, type: z.literal('node.draining') }).meta({ id: 'NodeDraining' });
export const NodeLeft = z.object({ ...nodeEvent, type: z.literal('node.left') }).meta({ id: 'NodeLeft' });

export const Event = z
  .discriminatedUnion('type', [
    PublishAsked,
    PublishAccepted,
    PublishRefused,
    StreamHealth,
    StreamHeld,
    StreamEnded,
    StreamPlayers,
    NodeJoined,
    NodeDraining,
    NodeLeft,
    RecordingDone,
    RecordingFailed,
    ForwardLive,
    ForwardWaiting,
    ForwardFailed,
    OutputGap,
    OutputsDown,
    OutputsUp,
  ])
  .meta({ id: 'Event' });

export type EndCode = z.infer<typeof EndCode>;
export type Event = z.infer<typeof Event>;
export type EventType = Event['type'];
