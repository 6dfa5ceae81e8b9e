import { z } from 'zod';
import { Time, Unanswered } from './common';
import { Event } from './event';

/** Events that nodes still have, the oldest first. */
export const EventPage = z
  .object({ events: z.array(Event), at: Time, unanswered: z.array(Unanswered) })
  .meta({ id: 'EventPage' });

export type EventPage = z.infer<typeof EventPage>;
