import { z } from 'zod';

/** A point in time: ISO 8601, UTC. */
export const Time = z.iso.datetime().describe('ISO 8601, UTC');

export const Channel = z
  .string()
  .regex(/^[A-Za-z0-9_-]+$/)
  .describe('Name of a channel');

/** A rate, size or count. */
export const Count = z.int().nonnegative();

/** A node of the fleet that did not answer, so that what it knows is missing from a reply. */
export const Unanswered = z
  .object({
    node: z.string().describe('Its id; `registry`: Redis does not answer, so that other nodes are not known'),
    reason: z.string().describe('Why, in a sentence'),
  })
  .meta({ id: 'Unanswered' });

export type Unanswered = z.infer<typeof Unanswered>;
