import { z } from 'zod';
import { Time, Unanswered } from './common';
import { Refusal } from './refusal';

/** What was refused on all nodes lately, the newest first. */
export const RefusalList = z
  .object({ refusals: z.array(Refusal), at: Time, unanswered: z.array(Unanswered) })
  .meta({ id: 'RefusalList' });

export type RefusalList = z.infer<typeof RefusalList>;
