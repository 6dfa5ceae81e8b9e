import type { ChurnReport, PlayerReport, PublisherReport } from './generator-api';
import { GeneratorProcess } from './generator-process';
import type { StreamAddress } from '../wire/stream-address';

/** The generator processes' reports on one window. */
export interface WindowReport {
  readonly publishers: PublisherReport;
  readonly players: PlayerReport;
  /** CPU seconds per second of both. */
  readonly cpuShare: number;
}

/**
 * The load on one server. Publishers and players are separate processes, so that a burst of arriving bytes does not
 * delay the publishers; they share the given cores.
 */
export class LoadGenerator {
  private readonly publishers: GeneratorProcess<'publishers'>;
  private readonly players: GeneratorProcess<'players'>;
  private churn: GeneratorProcess<'churn'> | undefined;

  constructor(
    private readonly pattern: StreamAddress,
    private readonly cores: readonly number[],
  ) {
    this.publishers = new GeneratorProcess('publishers', cores);
    this.players = new GeneratorProcess('players', cores);
  }

  startPublishers(count: number, uploadChunkSize: number): Promise<void> {
    return this.publishers.call('start', { pattern: this.pattern, count, uploadChunkSize });
  }

  /**
   * Opens or closes players until `count` play streams 0..streams-1 in turn; one in `verifyOneIn` checks every byte.
   */
  setPlayers(streams: number, count: number, verifyOneIn: number): Promise<void> {
    return this.players.call('setCount', { pattern: this.pattern, streams, count, verifyOneIn });
  }

  openIdlePlayers(count: number): Promise<void> {
    return this.players.call('openIdle', { pattern: this.pattern, count });
  }

  startChurn(perSecond: number): Promise<void> {
    this.churn ??= new GeneratorProcess('churn', this.cores);
    return this.churn.call('start', { pattern: this.pattern, perSecond });
  }

  async stopChurn(): Promise<ChurnReport> {
    if (this.churn === undefined) throw new Error('there is no churn to stop');
    return this.churn.call('stop', {});
  }

  async beginWindow(): Promise<void> {
    await Promise.all([this.publishers.call('beginWindow', {}), this.players.call('beginWindow', {})]);
  }

  async endWindow(): Promise<WindowReport> {
    const [publishers, players] = await Promise.all([
      this.publishers.call('endWindow', {}),
      this.players.call('endWindow', {}),
    ]);
    return { publishers, players, cpuShare: publishers.cpuShare + players.cpuShare };
  }

  async stop(): Promise<void> {
    await Promise.all([this.publishers.stop(), this.players.stop(), this.churn?.stop() ?? Promise.resolve()]);
  }
}
