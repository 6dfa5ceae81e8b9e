import { z } from 'zod';
import { Channel, Count, Time, Unanswered } from './common';
import { Event } from './event';
import { Health } from './health';
import { OutputStatus } from './output';

export const Video = z
  .object({
    codec: z.string(),
    width: Count.nullable(),
    height: Count.nullable(),
    fps: z.number().nonnegative().nullable().describe('Frames per second, measured'),
    keyframeIntervalSeconds: z.number().nonnegative().nullable(),
    bitrateKbps: Count,
  })
  .meta({ id: 'Video' });

export const Audio = z
  .object({
    codec: z.string(),
    sampleRate: Count.nullable().describe('Hz'),
    channels: Count.nullable(),
    bitrateKbps: Count,
  })
  .meta({ id: 'Audio' });

/** Figures of the last ten minutes in equal steps, the oldest first; null where there was no measurement. */
export const History = z
  .object({
    stepSeconds: z.number().positive(),
    until: Time.describe('Time of the last value'),
    bitrateKbps: z.array(z.number().nullable()),
    fps: z.array(z.number().nullable()),
    keyframeIntervalSeconds: z.array(z.number().nullable()),
  })
  .meta({ id: 'History' });

/** A live stream of the fleet. Fields are null where nothing is known. The stream key is not part of it. */
export const Stream = z
  .object({
    channel: Channel,
    streamId: z.string().describe("The callback handler's id of the stream; may be empty"),
    state: z.enum(['live', 'held']).describe('held: the publisher was lost and may come back'),
    since: Time,
    uptimeSeconds: Count,
    node: z.string().describe('Id of the node that has the publisher'),
    client: z.object({
      address: z.string().describe('Empty while the stream is held'),
      encoder: z.string().describe('What the encoder calls itself; may be empty'),
    }),
    video: Video.nullable(),
    audio: Audio.nullable(),
    bitrateKbps: Count.describe('All media, as received'),
    players: Count.describe('On all nodes, without relays'),
    health: Health,
    // Nodes of earlier releases do not tell.
    outputs: z.array(OutputStatus).default([]).describe('Where else the stream goes: forwards, recordings, HLS'),
    history: History.optional().describe('Only where the request asks for it'),
  })
  .meta({ id: 'Stream' });

/** One stream with its history and its last events. */
export const StreamDetail = Stream.extend({
  history: History,
  playersByNode: z.array(z.object({ node: z.string(), players: Count })),
  events: z.array(Event).describe('The newest first'),
  unanswered: z.array(Unanswered).describe('Nodes that did not answer: their players are not counted'),
}).meta({ id: 'StreamDetail' });

export const StreamPage = z
  .object({
    streams: z.array(Stream),
    total: Count.describe('Streams that match the filter, on all pages'),
    offset: Count,
    limit: Count,
    at: Time,
    unanswered: z.array(Unanswered).describe('Nodes that did not answer: their streams are missing'),
  })
  .meta({ id: 'StreamPage' });

export type Video = z.infer<typeof Video>;
export type Audio = z.infer<typeof Audio>;
export type History = z.infer<typeof History>;
export type Stream = z.infer<typeof Stream>;
export type StreamDetail = z.infer<typeof StreamDetail>;
export type StreamPage = z.infer<typeof StreamPage>;
