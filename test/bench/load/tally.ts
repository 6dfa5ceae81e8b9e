import { LatencyHistogram } from './latency-histogram';

/** Counts of all players of the generator since the measured window began. */
export class Tally {
  messages = 0;
  /** Gaps in the sequence numbers. */
  lost = 0;
  /** Sequence numbers that were repeated or late. */
  duplicates = 0;
  /** Wrong length, foreign stream or, on players that check every byte, wrong content. */
  corrupt = 0;
  /** Messages whose timestamp is not the published one. */
  timestampErrors = 0;
  readonly video = new LatencyHistogram();
  readonly audio = new LatencyHistogram();

  reset(): void {
    this.messages = 0;
    this.lost = 0;
    this.duplicates = 0;
    this.corrupt = 0;
    this.timestampErrors = 0;
    this.video.reset();
    this.audio.reset();
  }
}
