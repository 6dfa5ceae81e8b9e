/** Gathers the streams that have something to send. */
export interface FlushScheduler {
  /** `urgent`: a video frame became ready, as opposed to audio or data that can ride along with the next one. */
  ready(stream: Flushable, urgent: boolean): void;
}

/** A stream as its scheduler sees it. */
export interface Flushable {
  readonly ticket: FlushTicket;
  /** Players that are served, paused ones included. */
  readonly playerCount: number;
  /** Sends everything new to all players. */
  flush(): void;
}

/** The scheduler's notes on one stream, kept by the stream so that no message needs a look-up. */
export class FlushTicket {
  /** The stream waits for its flush. */
  scheduled = false;
  /** A video frame is among the waiting messages. */
  urgent = false;
  /** Since when the stream waits (ms of the scheduler's clock); only kept while audio is held for the next frame. */
  heldSince = 0;
  /** Time of the last immediate flush of relayed media (ms of the scheduler's clock). */
  relayedAt = 0;

  /** The stream is being flushed. */
  used(): void {
    this.scheduled = false;
    this.urgent = false;
  }
}
