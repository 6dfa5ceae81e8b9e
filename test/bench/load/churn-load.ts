import { addressOf, type StreamAddress } from '../wire/stream-address';
import type { ChurnApi, ChurnReport } from './generator-api';
import { LatencyHistogram } from './latency-histogram';
import { monotonicMs } from './monotonic-clock';
import { Player } from './player';
import { encodeMedia, Publisher } from './publisher';
import { Tally } from './tally';

const LIFETIME_MS = 1500;
const TICK_MS = 5;
const MAX_REASONS = 5;
const UPLOAD_CHUNK_SIZE = 4096;

/** Short-lived connections: publishers, each on a new channel, and players of stream 0. */
export class ChurnLoad implements ChurnApi {
  private readonly publishers = new Set<Publisher>();
  private readonly lateness = new LatencyHistogram();
  private readonly tally = new Tally();
  private readonly media = encodeMedia(UPLOAD_CHUNK_SIZE);
  private readonly reasons: string[] = [];
  private connecting: NodeJS.Timeout | undefined;
  private opened = 0;
  private failed = 0;

  async start({ pattern, perSecond }: { pattern: StreamAddress; perSecond: number }): Promise<void> {
    this.connecting = setInterval(() => this.open(pattern), 1000 / perSecond);
    setInterval(() => this.sendDue(), TICK_MS);
  }

  async stop(): Promise<ChurnReport> {
    clearInterval(this.connecting);
    return { opened: this.opened, failed: this.failed, reasons: this.reasons };
  }

  private open(pattern: StreamAddress): void {
    const number = this.opened++;
    if (number % 2 === 0) this.openPublisher(addressOf(pattern, `churn-${number}`), number);
    else this.openPlayer(addressOf(pattern, 0));
  }

  private openPublisher(address: StreamAddress, stream: number): void {
    const publisher = new Publisher(stream, this.media, this.lateness);
    this.publishers.add(publisher);
    const stop = (): void => {
      this.publishers.delete(publisher);
      publisher.stop();
    };
    this.watch(
      publisher.start(address, (reason) => this.fail(reason)),
      stop,
    );
  }

  private openPlayer(address: StreamAddress): void {
    const player = new Player(0, false, this.tally);
    this.watch(
      player.start(address, (reason) => this.fail(reason)),
      () => player.stop(),
    );
  }

  private sendDue(): void {
    const now = monotonicMs();
    for (const publisher of this.publishers) {
      try {
        publisher.sendDue(now);
      } catch (error) {
        this.publishers.delete(publisher);
        this.fail(error instanceof Error ? error.message : String(error));
      }
    }
  }

  /** The connection ends a while after it was made, however long that took. */
  private watch(start: Promise<void>, stop: () => void): void {
    start.then(
      () => void setTimeout(stop, LIFETIME_MS),
      (error: unknown) => {
        stop();
        this.fail(error instanceof Error ? error.message : String(error));
      },
    );
  }

  private fail(reason: string): void {
    this.failed++;
    if (this.reasons.length < MAX_REASONS) this.reasons.push(reason);
  }
}
