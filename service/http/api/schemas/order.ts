import { z } from 'zod';
import { Unanswered } from './common';

/** A week: the longest block. */
const MAX_BLOCK_SECONDS = 604_800;

/** Body of `close`: ends the stream only if it has this id. */
export const CloseOrder = z
  .strictObject({
    streamId: z
      .string()
      .max(1024)
      .refine((id) => !/[\r\n]/.test(id), 'a stream id is one line'),
  })
  .meta({ id: 'CloseOrder' });

/** Body of `block`: ends the stream and keeps publishers out. */
export const BlockOrder = z.strictObject({ seconds: z.int().min(1).max(MAX_BLOCK_SECONDS) }).meta({ id: 'BlockOrder' });

export const OrderName = z
  .enum(['end', 'close', 'block', 'unblock', 'drain', 'forward', 'record', 'stopRecording', 'removeOutput'])
  .meta({ id: 'OrderName' });

/** What an order did. */
export const OrderResult = z
  .object({
    order: OrderName,
    target: z.string().describe('The channel or node'),
    done: z.boolean().describe('false: it had no effect'),
    sentence: z.string().describe('The effect, or why there was none'),
    nodes: z.array(z.object({ node: z.string(), acted: z.boolean(), detail: z.string() })),
    unanswered: z.array(Unanswered).describe('Nodes that did not answer: they may have acted'),
  })
  .meta({ id: 'OrderResult' });

export type CloseOrder = z.infer<typeof CloseOrder>;
export type BlockOrder = z.infer<typeof BlockOrder>;
export type OrderName = z.infer<typeof OrderName>;
export type OrderResult = z.infer<typeof OrderResult>;
