import { addressOf, type StreamAddress } from '../wire/stream-address';
import { LatencyHistogram } from './latency-histogram';
import { Player } from './player';
import { type EncodedMedia, Publisher } from './publisher';
import { Tally } from './tally';

const LIFETIME_MS = 1500;
const MAX_REASONS = 5;

export interface ChurnReport {
  readonly opened: number;
  readonly failed: number;
  /** The first reasons of failures. */
  readonly reasons: readonly string[];
}

/** Connections that come and go: publishers on channels of their own, each used once, and players of stream 0. */
export class Churn {
  private readonly publishers = new Set<Publisher>();
  private readonly lateness = new LatencyHistogram();
  private readonly tally = new Tally();
  private readonly reasons: string[] = [];
  private readonly timer: NodeJS.Timeout;
  private opened = 0;
  private failed = 0;

  constructor(
    private readonly pattern: StreamAddress,
    perSecond: number,
    private readonly media: EncodedMedia,
  ) {
    this.timer = setInterval(() => this.open(), 1000 / perSecond);
  }

  sendDue(now: number): void {
    for (const publisher of this.publishers) publisher.sendDue(now);
  }

  stop(): ChurnReport {
    clearInterval(this.timer);
    return { opened: this.opened, failed: this.failed, reasons: this.reasons };
  }

  private open(): void {
    const number = this.opened++;
    const lost = (reason: string): void => this.fail(reason);
    if (number % 2 === 0) {
      const publisher = new Publisher(number, this.media, this.lateness);
      const end = (): void => {
        this.publishers.delete(publisher);
        publisher.stop();
      };
      this.publishers.add(publisher);
      this.watch(publisher.start(addressOf(this.pattern, `churn-${number}`), lost));
      setTimeout(end, LIFETIME_MS);
      return;
    }
    const player = new Player(0, false, this.tally);
    this.watch(player.start(addressOf(this.pattern, 0), lost));
    setTimeout(() => player.stop(), LIFETIME_MS);
  }

  private watch(start: Promise<void>): void {
    start.catch((error: unknown) => this.fail(error instanceof Error ? error.message : String(error)));
  }

  private fail(reason: string): void {
    this.failed++;
    if (this.reasons.length < MAX_REASONS) this.reasons.push(reason);
  }
}
