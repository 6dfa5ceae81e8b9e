import type { WitnessApi, WitnessReport } from '../load/generator-api';
import { LatencyHistogram } from '../load/latency-histogram';
import { timestampMs, videoTrack } from '../load/media-track';
import { monotonicMs } from '../load/monotonic-clock';
import { Player } from '../load/player';
import { encodeMedia, Publisher, type PublisherClock, REAL_TIME } from '../load/publisher';
import { Tally } from '../load/tally';
import { addressOf, type StreamAddress } from '../wire/stream-address';

const UPLOAD_CHUNK_BYTES = 4_096;
const TICK_MS = 2;
/** Of the whole stream, before a clock passes its limit (ms). */
const LEAD_MS = 90_000;
/**
 * How far the fast publisher may be ahead of its player (frames, 2 MB of them): the server leaves frames out for players
 * that are 8 MB behind.
 */
const MOST_AHEAD = 120;
const ACKNOWLEDGED_BYTES = 2_500_000;

interface Watcher {
  readonly name: string;
  readonly publisher: Publisher;
  readonly player: Player;
  readonly tally: Tally;
  readonly from: number;
  readonly passes: number;
  readonly isFast: boolean;
}

/**
 * Streams that are played from the first to the last moment, by players that check each message: order, timestamp, every
 * byte. On the way one clock passes 2^32, one passes 2^24, and a fast stream passes 4 GiB.
 */
export class Witnesses implements WitnessApi {
  readonly #watchers: Watcher[] = [];
  readonly #failures: string[] = [];
  readonly #lateness = new LatencyHistogram();
  readonly #media = encodeMedia(UPLOAD_CHUNK_BYTES);
  #sending: NodeJS.Timeout | undefined;

  async start(params: { pattern: StreamAddress; flvPort: number; fastSpeed: number }): Promise<void> {
    const { pattern, flvPort, fastSpeed } = params;
    this.#sending = setInterval(() => this.#sendDue(), TICK_MS);
    const overHttp = { ...pattern, flv: { port: flvPort, isWebSocket: false } };
    const both = [pattern, overHttp];
    await this.#stream(1, both, 'clock passes 2^32', 2 ** 32, { ...REAL_TIME, from: 2 ** 32 - LEAD_MS });
    await this.#stream(2, both, 'clock passes 2^24', 2 ** 24, {
      ...{ from: 2 ** 24 - LEAD_MS, speed: 1, isAbsolute: true },
    });
    await this.#stream(3, [pattern], 'more than 4 GiB', 0, { ...REAL_TIME, speed: fastSpeed });
  }

  async report(): Promise<WitnessReport> {
    return {
      failures: this.#failures,
      streams: this.#watchers.map(({ name, publisher, player, tally, from, passes }) => {
        const { messages, lost, duplicates, corrupt, timestampErrors } = tally;
        const acknowledgements = publisher.client?.acknowledgements;
        return {
          ...{ name, messages, lost, duplicates, corrupt, timestampErrors },
          clockPassed: passes > 0 && from + timestampMs(videoTrack, player.lastVideoFrame) >= passes,
          bytesSent: publisher.bytesSent,
          bytesReceived: player.bytesReceived,
          acknowledgements: acknowledgements?.count ?? 0,
          acknowledgementWraps: acknowledgements?.wraps ?? 0,
          wrongAcknowledgements: acknowledgements?.wrong ?? 0,
          newestFrameMs: player.videoAgeMs(monotonicMs()),
        };
      }),
    };
  }

  async stop(): Promise<void> {
    clearInterval(this.#sending);
    for (const { publisher, player } of this.#watchers) {
      publisher.stop();
      player.stop();
    }
  }

  /** The RTMP player is there before the first message; over HTTP nobody is let in before there is a stream. */
  async #stream(
    stream: number,
    playerPatterns: readonly StreamAddress[],
    name: string,
    passes: number,
    clock: PublisherClock,
  ): Promise<void> {
    const channel = `witness-${stream}`;
    const publisher = new Publisher(stream, this.#media, this.#lateness, clock);
    const lost = (who: string) => (reason: string) => void this.#failures.push(`${name}, ${who}: ${reason}`);
    for (const [at, pattern] of playerPatterns.entries()) {
      const how = pattern.flv === undefined ? 'RTMP' : 'HTTP-FLV';
      const tally = new Tally();
      const player = new Player(stream, true, tally, clock.from);
      await player.start(addressOf(pattern, channel), lost(`player over ${how}`));
      const watcher = { publisher, player, tally, from: clock.from, passes, isFast: clock.speed > 1 };
      this.#watchers.push({ name: `${name}, ${how}`, ...watcher });
      if (at > 0) continue;
      await publisher.start(addressOf(pattern, channel), lost('publisher'));
      publisher.client?.askForAcknowledgements(ACKNOWLEDGED_BYTES);
    }
  }

  #sendDue(): void {
    const now = monotonicMs();
    for (const { publisher, player, isFast } of this.#watchers) {
      try {
        publisher.sendDue(now, isFast ? player.lastVideoFrame + MOST_AHEAD : Infinity);
      } catch (error) {
        publisher.stop();
        this.#failures.push(String(error));
      }
    }
  }
}
