import { z } from 'zod';
import { Channel, Time } from './common';

/**
 * Why a publish was refused. `handler`: the callback handler said no, as for a wrong key. `handlerFault`: the handler
 * could not be asked, or did not answer properly. `busy`: another publisher has the channel. `blocked`: by an operator.
 */
export const RefusalCode = z
  .enum([
    'handler',
    'handlerFault',
    'busy',
    'blocked',
    'badName',
    'tooManyQuestions',
    'draining',
    'noRoom',
    'registry',
    'ended',
    'other',
  ])
  .meta({ id: 'RefusalCode' });

/** Refusals of one channel and client address with the same code, taken together. */
export const Refusal = z
  .object({
    channel: Channel,
    address: z.string().describe('Address of the client'),
    node: z.string(),
    code: RefusalCode,
    reason: z.string().describe('What the last client was told'),
    count: z.int().positive(),
    firstAt: Time,
    lastAt: Time,
    sentence: z.string().describe('Such as: wrong key, from 203.0.113.7, 14 times in 5 minutes'),
  })
  .meta({ id: 'Refusal' });

export type RefusalCode = z.infer<typeof RefusalCode>;
export type Refusal = z.infer<typeof Refusal>;
