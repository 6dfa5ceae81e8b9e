import { z } from 'zod';
import { RecordFormat } from '../../http/api/schemas/output';

const Address = z.string().max(4096);
const MAX_EACH = 64;

/**
 * What operators have ordered of a stream's outputs, as it stands: not the orders one by one, whose meaning depends on what
 * there was when they were given.
 */
export const Ordered = z.object({
  /** Addresses of forwards that were added. Secrets, as those in `ended`. */
  forwards: z.array(Address).max(MAX_EACH),
  /** Recordings that were started. */
  records: z.array(RecordFormat).max(MAX_EACH),
  /** What stays away whatever the policy says: addresses of forwards, `record-FORMAT` and `hls`. The oldest first. */
  ended: z.array(Address).max(MAX_EACH),
});

export type Ordered = z.infer<typeof Ordered>;

/** How long the text may be that goes along with a stream: it is stored again with each change of the stream's life. */
const MAX_LENGTH = 8_192;

/** As text for the node that continues the stream. Beyond 8 KB, first the oldest that was ended is left out. */
export function writeOrdered({ forwards, records, ended }: Ordered): string {
  const kept = { records, ended: [...ended], forwards: [...forwards] };
  let text = JSON.stringify(kept);
  while (text.length > MAX_LENGTH) {
    if (kept.ended.shift() === undefined) kept.forwards.shift();
    text = JSON.stringify(kept);
  }
  return text;
}

/** Undefined when another release has written what this one does not know. */
export function readOrdered(text: string): Ordered | undefined {
  try {
    return Ordered.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
