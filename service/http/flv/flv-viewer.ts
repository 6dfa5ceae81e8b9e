import type { Channel } from '../../hub/channel';
import type { Hub } from '../../hub/hub';
import { Player, type PlayerListener } from '../../hub/player';
import type { Logger } from '../../logging/logger';
import type { ConnectionPlaces } from '../../net/gate/connection-limits';
import type { CommandContext } from '../../session/rtmp-commands/command-context';
import type { StreamTarget } from '../../session/rtmp-commands/name-rules';
import type { MonotonicClock } from '../../time/clock';
import { kindsOf } from './flv-kinds';
import type { PlayRefusal } from './http-text';
import { CloseCode, type ViewerConnection } from './viewer-connection';

/** What all HTTP players of a node share. */
export interface ViewerContext extends Pick<
  CommandContext,
  'hub' | 'traffic' | 'mayPlay' | 'streamWanted' | 'refusal'
> {
  readonly hub: Hub;
  readonly places: ConnectionPlaces;
  /** Whether a stream of this channel may be live on another node. */
  mayBeElsewhere(channel: string): Promise<boolean>;
  readonly now: MonotonicClock;
}

export interface FlvViewerOptions {
  readonly context: ViewerContext;
  readonly connection: ViewerConnection;
  readonly address: string;
  readonly target: StreamTarget;
  /** An operator, whom neither the key nor the address is asked of. */
  readonly needsNoKey: boolean;
  readonly log: Logger;
  /** It neither waits nor plays any more; its connection may take a little longer to close. */
  over(): void;
}

/** How long a player waits for a stream that another node is said to have (ms). */
const FETCH_MS = 5_000;

const NO_STREAM: PlayRefusal = { status: 404, detail: 'No stream of this name is live' };
const TOO_MANY: PlayRefusal = {
  status: 429,
  detail: 'Too many connections from this address (MAX_IP_CONCURRENT_CONNECTIONS, MAX_IP_CONNECTIONS_PER_SECOND)',
};

/** One HTTP player, from its admission to the end of its connection. */
export class FlvViewer implements PlayerListener {
  readonly #options: FlvViewerOptions;
  #phase: 'deciding' | 'playing' | 'over' = 'deciding';
  #hasPlace = false;
  #playing: { readonly channel: Channel; readonly player: Player } | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(options: FlvViewerOptions) {
    this.#options = options;
  }

  /** Admits or refuses the player; checks the same as for a player that speaks RTMP. */
  async start(): Promise<void> {
    const { context, address, target, needsNoKey } = this.#options;
    if (!needsNoKey && !context.mayPlay(address)) {
      this.#refuse({ status: 403, detail: 'This address may not play (RTMP_PLAY_WHITELIST)' });
      return;
    }
    const answer = context.places.acquire(address, false);
    this.#hasPlace = typeof answer === 'boolean' ? answer : await answer;
    if (this.#isOver()) this.#giveBackPlace();
    else if (!this.#hasPlace) this.#refuse(TOO_MANY);
    else if (!needsNoKey && context.hub.find(target.channel)?.admits(target.key) === false) this.keyRefused();
    else if (this.#publication !== null || (await context.mayBeElsewhere(target.channel))) this.#join();
    else this.#refuse(NO_STREAM);
  }

  streamBegan(): void {
    this.#open();
  }

  streamEnded(): void {
    this.#finish(CloseCode.Ended, 'stream is now unpublished.');
  }

  keyRefused(): void {
    const { channel } = this.#options.target;
    const challenge = { 'www-authenticate': `StreamKey realm="${encodeURIComponent(channel)}"` };
    this.#refuse({ status: 401, detail: 'Wrong stream key', headers: challenge });
  }

  tooSlow(reason: string): void {
    this.#options.context.traffic.slowPlayersDisconnected += 1;
    this.#options.connection.cut();
    this.#over('too_slow', reason);
  }

  /** The node ends. */
  shutDown(reason: string): void {
    if (this.#phase === 'playing') this.#finish(CloseCode.ShuttingDown, reason);
    else this.#refuse({ status: 503, detail: reason });
  }

  /** The connection is closed. */
  disconnected(): void {
    this.#over('client_closed', 'client closed the connection');
  }

  get #publication() {
    const { context, target } = this.#options;
    return context.hub.find(target.channel)?.publication ?? null;
  }

  #join(): void {
    // The client may have left, and a stream with another key begun, while other nodes were asked.
    if (this.#isOver()) return;
    const { context, connection, target, needsNoKey } = this.#options;
    const channel = context.hub.channel(target.channel);
    if (!needsNoKey && !channel.admits(target.key)) {
      this.keyRefused();
      return;
    }
    const query = new URLSearchParams(target.query);
    const player = new Player({
      outlet: connection,
      listener: this,
      streamId: 1,
      key: target.key,
      needsNoKey,
      wantsCache: query.get('cache') !== 'no',
      wantsAllTracks: query.get('tracks') === 'all',
      format: connection.format,
    });
    this.#playing = { channel, player };
    if (channel.publication === null) this.#deadline = setTimeout(() => this.#refuse(NO_STREAM), FETCH_MS).unref();
    else if (!this.#open()) return;
    channel.addPlayer(player);
    // No publisher sends the stream here: it may be live on another node, or have moved there a moment ago.
    if ((channel.publication?.publisher ?? null) === null) context.streamWanted(target.channel);
  }

  /** Answers that the stream follows; false when the connection cannot be used for it. */
  #open(): boolean {
    if (this.#phase !== 'deciding') return this.#phase === 'playing';
    clearTimeout(this.#deadline);
    const { context, connection, target, log } = this.#options;
    if (!connection.open(() => kindsOf(this.#publication?.stream, context.now()))) {
      this.#over('protocol_error', 'no valid WebSocket handshake');
      return false;
    }
    this.#phase = 'playing';
    log.request('play', { channel: target.channel, protocol: connection.format.protocol });
    return true;
  }

  #refuse(refusal: PlayRefusal): void {
    if (this.#isOver()) return;
    this.#options.connection.refuse(refusal);
    this.#over('refused', `${refusal.status} ${refusal.detail}`);
  }

  #finish(code: CloseCode, reason: string): void {
    if (this.#isOver()) return;
    this.#options.connection.finish(code, reason);
    this.#over(code === CloseCode.Ended ? 'stream_ended' : 'shutdown', reason);
  }

  #over(code: string, reason: string): void {
    if (this.#isOver()) return;
    this.#phase = 'over';
    clearTimeout(this.#deadline);
    this.#playing?.channel.removePlayer(this.#playing.player);
    this.#giveBackPlace();
    this.#options.log.request('closed', { code, reason });
    this.#options.over();
  }

  /** A method, because the phase changes while something is awaited. */
  #isOver(): boolean {
    return this.#phase === 'over';
  }

  #giveBackPlace(): void {
    if (!this.#hasPlace) return;
    this.#hasPlace = false;
    this.#options.context.places.release(this.#options.address);
  }
}
