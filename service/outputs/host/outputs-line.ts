import type { OutputStatus } from '../../http/api/schemas/output';
import type { Fact } from '../../events/fact';
import type { OutputOrder } from '../../http/api/schemas/output-order';
import type { StreamTold } from '../link/messages';
import type { Ordered } from '../link/ordered';

/** What a node tells of its own streams. */
export type StreamNews =
  /** The stream began, its publisher is back, or another publisher continues it, perhaps with another policy. */
  | {
      readonly what: 'live';
      readonly stream: StreamTold;
      /** It continues a stream that was live on another node, or on another worker of this machine. */
      readonly fromElsewhere?: boolean;
    }
  | { readonly what: 'held'; readonly channel: string; readonly run: string }
  /** `code` as in the link's message `ended`. */
  | {
      readonly what: 'ended';
      readonly channel: string;
      readonly run: string;
      readonly code: string;
      readonly reason: string;
    };

export interface OrderAnswer {
  readonly acted: boolean;
  /** What was done, or why nothing was. */
  readonly detail: string;
}

/** What a node hears of the outputs of its streams. */
export interface OutputsListener {
  /** All outputs of one stream. */
  status(channel: string, run: string, outputs: readonly OutputStatus[]): void;
  /** What operators have ordered of one stream, as it stands. Contains secrets. */
  ordered(channel: string, run: string, ordered: Ordered): void;
  /** For the event bus. */
  fact(fact: Fact): void;
}

/** A node's line to `rtmp-outputs`: the host itself, or in a worker the parent process. */
export interface OutputsLine {
  tell(news: StreamNews): void;
  listen(listener: OutputsListener): void;
  /** Never rejects. */
  order(channel: string, order: OutputOrder): Promise<OrderAnswer>;
}
