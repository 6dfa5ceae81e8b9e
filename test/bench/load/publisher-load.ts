import { addressOf, type StreamAddress } from '../wire/stream-address';
import { runBounded } from './bounded-parallel';
import type { PublisherApi, PublisherReport } from './generator-api';
import { LatencyHistogram } from './latency-histogram';
import { monotonicMs } from './monotonic-clock';
import { encodeMedia, Publisher } from './publisher';
import { WindowClock } from './window-clock';

const GOP_MS = 2000;
const PARALLEL_CONNECTS = 50;
const TICK_MS = 1;

/** All publishers of a run, and the clock that paces them. */
export class PublisherLoad implements PublisherApi {
  private readonly publishers: Publisher[] = [];
  private readonly lateness = new LatencyHistogram();
  private readonly window = new WindowClock();
  private bytesBefore = 0;

  async start(params: { pattern: StreamAddress; count: number; uploadChunkSize: number }): Promise<void> {
    const media = encodeMedia(params.uploadChunkSize);
    const spacingMs = GOP_MS / params.count;
    const begin = performance.now();
    this.tick();
    await runBounded(params.count, PARALLEL_CONNECTS, async (stream) => {
      await sleep(begin + stream * spacingMs - performance.now());
      const publisher = new Publisher(stream, media, this.lateness);
      const lost = (reason: string): void => this.window.disconnected(`publisher: ${reason}`);
      await publisher.start(addressOf(params.pattern, stream), lost);
      this.publishers.push(publisher);
    });
  }

  async beginWindow(): Promise<void> {
    this.lateness.reset();
    this.window.begin();
    this.bytesBefore = this.bytesSent();
  }

  async endWindow(): Promise<PublisherReport> {
    return {
      ...this.window.end(),
      bytesSent: this.bytesSent() - this.bytesBefore,
      latenessP99Ms: this.lateness.percentile(0.99),
    };
  }

  private readonly tick = (): void => {
    const now = monotonicMs();
    try {
      for (const publisher of this.publishers) publisher.sendDue(now);
    } catch (error) {
      this.window.disconnected(error instanceof Error ? error.message : String(error));
    }
    setTimeout(this.tick, TICK_MS);
  };

  private bytesSent(): number {
    return this.publishers.reduce((sum, publisher) => sum + publisher.bytesSent, 0);
  }
}

function sleep(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
