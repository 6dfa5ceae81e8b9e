import type { OutputStatus } from './schemas/output';
import type { OutputOrder } from './schemas/output-order';

/** The outputs of a node's own streams. */
export interface StreamOutputs {
  /** About a second old. */
  statuses(channel: string): readonly OutputStatus[];
  /** Never rejects. `detail`: what was done, or why nothing was, without anything secret. */
  order(channel: string, order: OutputOrder): Promise<{ readonly acted: boolean; readonly detail: string }>;
}
