import { BoundedMap } from '../../collections/bounded-map';
import type { Refusal } from '../../publishing/life-events';

interface KnownBlock {
  /** Milliseconds since the epoch; 0: the channel is not blocked. */
  readonly until: number;
  /** When the operator's command was heard; 0: the registry said so. */
  readonly heardAt: number;
}

/** Most blocks that are remembered. */
const MAX_KNOWN = 10_000;
/** Until a command stands in the registry for certain (ms), it counts for more than what the registry says. */
const APPLIED_MS = 10_000;

/** The blocks of channels that this node has heard of: it also keeps to them while the registry is away. */
export class KnownBlocks {
  readonly #blocks = new BoundedMap<string, KnownBlock>(MAX_KNOWN);

  /** An operator's command was heard. @param until 0: the channel is not blocked any more */
  command(channel: string, until: number, now: number): void {
    this.#blocks.set(channel, { until, heardAt: now });
  }

  /** What the registry says of the channel. */
  compare(channel: string, until: number, now: number): void {
    const known = this.#blocks.get(channel);
    if (known !== undefined && now - known.heardAt < APPLIED_MS) return;
    if (until > now) this.#blocks.set(channel, { until, heardAt: 0 });
    else this.#blocks.delete(channel);
  }

  /** Why nobody may come to the channel; undefined when no block is known. */
  refusal(channel: string, now: number): Refusal | undefined {
    const until = this.#blocks.get(channel)?.until ?? 0;
    return until > now ? { why: 'blocked', until } : undefined;
  }
}
