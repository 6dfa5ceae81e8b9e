import { z } from 'zod';
import { Channel, Time, Unanswered } from './common';
import { Health } from './health';
import { Refusal } from './refusal';

/** Who has the channel now. */
export const Holder = z
  .object({
    node: z.string(),
    state: z.enum(['starting', 'live', 'held']),
    streamId: z.string(),
    since: Time,
    address: z.string().nullable().describe('Address of the publisher; null while its node does not answer'),
    encoder: z.string().nullable(),
    health: Health.nullable(),
  })
  .meta({ id: 'Holder' });

/** Everything that the fleet knows about why a channel is, or is not, live. */
export const Explanation = z
  .object({
    channel: Channel,
    verdict: z.enum(['live', 'held', 'starting', 'blocked', 'refused', 'idle']),
    sentence: z.string().describe('The verdict in words'),
    holder: Holder.nullable(),
    blockedSeconds: z.int().positive().nullable().describe('How much longer publishers are kept out'),
    refusals: z.array(Refusal).describe('The newest first'),
    advice: z.array(z.string()).describe('What to do, the most useful first'),
    unanswered: z.array(Unanswered),
  })
  .meta({ id: 'Explanation' });

export type Holder = z.infer<typeof Holder>;
export type Explanation = z.infer<typeof Explanation>;
