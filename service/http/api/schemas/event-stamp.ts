import { z } from 'zod';
import { Time } from './common';

/** What the event bus adds to each event. */
export const stamp = {
  id: z.string().describe('Unique; ids of one node sort by time'),
  at: Time,
  node: z.string().describe('Id of the node where it happened'),
};
