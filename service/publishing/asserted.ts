import type { ChannelLife } from './channel-life';
import { type Result, unchanged } from './effects';
import type { LifeEvent } from './life-events';

/** A node that was without the store says what it has of the channel. */
export function asserted(life: ChannelLife, { part }: Extract<LifeEvent, { readonly kind: 'asserted' }>): Result {
  // To be written: replaces nothing yet.
  return unchanged(part.stream && !life.stream ? { ...life, stream: part.stream } : life);
}
