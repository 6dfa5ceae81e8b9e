import { addressOf, type StreamAddress } from '../wire/stream-address';
import { runBounded } from './bounded-parallel';
import type { PlayerApi, PlayerReport } from './generator-api';
import { LatencyHistogram } from './latency-histogram';
import { monotonicMs } from './monotonic-clock';
import { Player } from './player';
import { Tally } from './tally';
import { WindowClock } from './window-clock';

const STALLED_AFTER_MS = 2000;
const PARALLEL_CONNECTS = 50;

/** All players of a run. */
export class PlayerLoad implements PlayerApi {
  private readonly players: Player[] = [];
  private readonly idlePlayers: Player[] = [];
  private readonly tally = new Tally();
  private readonly window = new WindowClock();
  private bytesBefore = 0;
  private closedPlayersBytes = 0;

  async setCount(params: {
    pattern: StreamAddress;
    streams: number;
    count: number;
    verifyOneIn: number;
  }): Promise<void> {
    for (const player of this.players.slice(params.count)) {
      player.stop();
      this.forget(player);
    }
    const first = this.players.length;
    await runBounded(params.count - first, PARALLEL_CONNECTS, async (added) => {
      const index = first + added;
      const stream = index % params.streams;
      const player = new Player(stream, index % params.verifyOneIn === 0, this.tally);
      await player.start(addressOf(params.pattern, stream), (reason) => {
        this.window.disconnected(`player: ${reason}`);
        this.forget(player);
      });
      this.players.push(player);
    });
  }

  async openIdle(params: { pattern: StreamAddress; count: number }): Promise<void> {
    await runBounded(params.count, PARALLEL_CONNECTS, async () => {
      const player = new Player(0, false, this.tally);
      const lost = (reason: string): void => this.window.disconnected(`idle player: ${reason}`);
      await player.start(addressOf(params.pattern, 'idle'), lost);
      this.idlePlayers.push(player);
    });
  }

  async beginWindow(): Promise<void> {
    this.tally.reset();
    this.window.begin();
    this.bytesBefore = this.bytesReceived();
  }

  async endWindow(): Promise<PlayerReport> {
    const { tally } = this;
    const now = monotonicMs();
    return {
      ...this.window.end(),
      players: this.players.length,
      bytesReceived: this.bytesReceived() - this.bytesBefore,
      messages: tally.messages,
      lost: tally.lost,
      duplicates: tally.duplicates,
      corrupt: tally.corrupt,
      timestampErrors: tally.timestampErrors,
      stalled: this.players.filter((player) => player.videoAgeMs(now) > STALLED_AFTER_MS).length,
      latency: {
        all: LatencyHistogram.merged([tally.video, tally.audio]).summary(),
        video: tally.video.summary(),
        audio: tally.audio.summary(),
      },
    };
  }

  private forget(player: Player): void {
    const index = this.players.indexOf(player);
    if (index < 0) return;
    this.players.splice(index, 1);
    this.closedPlayersBytes += player.bytesReceived;
  }

  private bytesReceived(): number {
    return this.players.reduce((sum, player) => sum + player.bytesReceived, this.closedPlayersBytes);
  }
}
