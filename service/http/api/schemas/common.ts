import { z } from 'zod';
import { ANY_NAME } from '../../../protocol/name-grammar';

/** A point in time: ISO 8601, UTC. */
export const Time = z.iso.datetime().describe('ISO 8601, UTC');

/**
 * Any name that some setting allows: nodes decide by their own settings. The pattern, for the document alone, is that of
 * names without ID_ALLOW_SPECIAL_CHARACTERS and ID_ALLOW_EMPTY.
 */
export const Channel = z
  .string()
  .refine((text) => ANY_NAME.isName(text), 'not a name of a channel')
  .meta({ description: 'Name of a channel', pattern: '^[A-Za-z0-9_-]+$' });

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
