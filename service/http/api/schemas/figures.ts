import { z } from 'zod';
import { Channel, Count, Time, Unanswered } from './common';
import { HealthState } from './health';

/** What changes all the time about a stream. */
export const StreamFigures = z
  .object({
    channel: Channel,
    node: z.string(),
    bitrateKbps: Count,
    fps: z.number().nullable(),
    keyframeIntervalSeconds: z.number().nullable(),
    players: Count,
    health: HealthState,
  })
  .meta({ id: 'StreamFigures' });

/**
 * Sent in the event stream as `figures` every few seconds if the request has `figures=true`: all streams of the fleet.
 * A stream that is missing has ended, unless its node did not answer.
 */
export const Figures = z
  .object({ at: Time, streams: z.array(StreamFigures), unanswered: z.array(Unanswered) })
  .meta({ id: 'Figures' });

export const EventQuery = z
  .strictObject({
    channel: Channel.optional().describe('Only events of this channel'),
    figures: z.enum(['true', 'false']).default('false').describe('Adds the figures of all streams'),
  })
  .meta({ id: 'EventQuery' });

export type StreamFigures = z.infer<typeof StreamFigures>;
export type Figures = z.infer<typeof Figures>;
export type EventQuery = z.infer<typeof EventQuery>;
