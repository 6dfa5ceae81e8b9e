import { z } from 'zod';
import { HealthState } from './health';

export const SORT_FIELDS = ['channel', 'since', 'node', 'bitrate', 'players', 'health'] as const;

/** Most streams on one page. */
export const MAX_PAGE = 5000;

const descending = SORT_FIELDS.map((field) => `-${field}` as const);

/** Parameters of a page of streams, as they stand in the query string. */
export const StreamQuery = z
  .strictObject({
    q: z.string().max(200).optional().describe('A part of channel, stream id, client address or encoder, in any case'),
    node: z.string().max(255).optional().describe('Only streams whose publisher is on this node'),
    health: HealthState.optional(),
    sort: z
      .enum([...SORT_FIELDS, ...descending])
      .default('channel')
      .describe('A minus sign before the name: descending. health: the worst first'),
    offset: z.coerce.number().int().nonnegative().default(0),
    limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100),
    history: z.enum(['true', 'false']).default('false').describe('Adds the last ten minutes to each stream'),
  })
  .meta({ id: 'StreamQuery' });

export type StreamQuery = z.infer<typeof StreamQuery>;
