import { addressOf, type StreamAddress } from '../wire/stream-address';
import { runBounded } from './bounded-parallel';
import { Churn, type ChurnReport } from './churn';
import type { GeneratorApi, WindowReport } from './generator-api';
import { LatencyHistogram } from './latency-histogram';
import { Player } from './player';
import { encodeMedia, Publisher } from './publisher';
import { Tally } from './tally';

const GOP_MS = 2000;
const STALLED_AFTER_MS = 2000;
const PARALLEL_CONNECTS = 50;
const TICK_MS = 1;

interface WindowStart {
  readonly at: number;
  readonly cpu: NodeJS.CpuUsage;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** All publishers and players of one run, and the clock that paces them. */
export class Load implements GeneratorApi {
  private readonly publishers: Publisher[] = [];
  private readonly players: Player[] = [];
  private readonly idlePlayers: Player[] = [];
  private readonly tally = new Tally();
  private readonly lateness = new LatencyHistogram();
  private disconnects: string[] = [];
  private closedPlayersBytes = 0;
  private churn: Churn | undefined;
  private window: WindowStart | undefined;
  private readonly lost = (reason: string): void => void this.disconnects.push(reason);

  constructor() {
    const tick = (): void => {
      this.sendDue();
      setTimeout(tick, TICK_MS);
    };
    tick();
  }

  async startPublishers(params: { pattern: StreamAddress; count: number; uploadChunkSize: number }): Promise<void> {
    const media = encodeMedia(params.uploadChunkSize);
    const spacingMs = GOP_MS / params.count;
    const begin = performance.now();
    await runBounded(params.count, PARALLEL_CONNECTS, async (stream) => {
      await sleep(begin + stream * spacingMs - performance.now());
      const publisher = new Publisher(stream, media, this.lateness);
      await publisher.start(addressOf(params.pattern, stream), (reason) => this.lost(`publisher ${reason}`));
      this.publishers.push(publisher);
    });
  }

  async setPlayers(params: {
    pattern: StreamAddress;
    streams: number;
    count: number;
    verifyOneIn: number;
  }): Promise<void> {
    for (const player of this.players.slice(params.count)) {
      player.stop();
      this.forgetPlayer(player);
    }
    const first = this.players.length;
    await runBounded(params.count - first, PARALLEL_CONNECTS, async (added) => {
      const index = first + added;
      const stream = index % params.streams;
      const player = new Player(stream, index % params.verifyOneIn === 0, this.tally);
      await player.start(addressOf(params.pattern, stream), (reason) => {
        this.lost(`player ${reason}`);
        this.forgetPlayer(player);
      });
      this.players.push(player);
    });
  }

  async openIdlePlayers(params: { pattern: StreamAddress; count: number }): Promise<void> {
    await runBounded(params.count, PARALLEL_CONNECTS, async () => {
      const player = new Player(0, false, this.tally);
      await player.start(addressOf(params.pattern, 'idle'), (reason) => this.lost(`idle player ${reason}`));
      this.idlePlayers.push(player);
    });
  }

  startChurn(params: { pattern: StreamAddress; perSecond: number }): Promise<void> {
    this.churn = new Churn(params.pattern, params.perSecond, encodeMedia(4096));
    return Promise.resolve();
  }

  stopChurn(): Promise<ChurnReport> {
    if (this.churn === undefined) throw new Error('there is no churn to stop');
    return Promise.resolve(this.churn.stop());
  }

  beginWindow(): Promise<void> {
    this.tally.reset();
    this.lateness.reset();
    this.disconnects = [];
    this.window = {
      at: performance.now(),
      cpu: process.cpuUsage(),
      bytesSent: this.bytesSent(),
      bytesReceived: this.bytesReceived(),
    };
    return Promise.resolve();
  }

  endWindow(): Promise<WindowReport> {
    const { window, tally } = this;
    if (window === undefined) throw new Error('no window was begun');
    const now = performance.now();
    const cpu = process.cpuUsage(window.cpu);
    return Promise.resolve({
      seconds: (now - window.at) / 1000,
      publishers: this.publishers.length,
      players: this.players.length,
      bytesSent: this.bytesSent() - window.bytesSent,
      bytesReceived: this.bytesReceived() - window.bytesReceived,
      messages: tally.messages,
      lost: tally.lost,
      duplicates: tally.duplicates,
      corrupt: tally.corrupt,
      timestampErrors: tally.timestampErrors,
      stalledPlayers: this.players.filter((player) => player.videoAgeMs(now) > STALLED_AFTER_MS).length,
      disconnects: this.disconnects,
      latency: {
        all: LatencyHistogram.merged([tally.video, tally.audio]).summary(),
        video: tally.video.summary(),
        audio: tally.audio.summary(),
      },
      generator: {
        cpuShare: (cpu.user + cpu.system) / 1000 / (now - window.at),
        latenessP99Ms: this.lateness.percentile(0.99),
      },
    });
  }

  private sendDue(): void {
    const now = performance.now();
    try {
      for (const publisher of this.publishers) publisher.sendDue(now);
      this.churn?.sendDue(now);
    } catch (error) {
      this.lost(error instanceof Error ? error.message : String(error));
    }
  }

  private forgetPlayer(player: Player): void {
    const index = this.players.indexOf(player);
    if (index < 0) return;
    this.players.splice(index, 1);
    this.closedPlayersBytes += player.bytesReceived;
  }

  private bytesSent(): number {
    return this.publishers.reduce((sum, publisher) => sum + publisher.bytesSent, 0);
  }

  private bytesReceived(): number {
    return this.players.reduce((sum, player) => sum + player.bytesReceived, this.closedPlayersBytes);
  }
}

function sleep(ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
