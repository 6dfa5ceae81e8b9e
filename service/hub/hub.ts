import { Channel, type ChannelEnvironment } from './channel';
import type { LiveStream } from './live-stream';
import type { Player } from './player';
import { type PlayerProtocol, playerProtocols } from './player-format';
import type { Publication } from './publication';

/**
 * The channels of this node by name. A channel exists while it has a publisher, a candidate or players; it is forgotten
 * at the end of the change that removes the last of them, never during a change.
 */
export class Hub {
  readonly #channels = new Map<string, Channel>();
  readonly #env: ChannelEnvironment;

  constructor(env: ChannelEnvironment) {
    this.#env = env;
  }

  /**
   * Finds or makes the channel of this name, for a caller that adds a publisher or player to it now. Do not keep the
   * reference: an unused channel is forgotten, and a new one may get its name.
   */
  channel(name: string): Channel {
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = new Channel(name, this.#env, this.#forget);
      this.#channels.set(name, channel);
    }
    return channel;
  }

  find(name: string): Channel | undefined {
    return this.#channels.get(name);
  }

  /** Channels without a stream: with players who wait for one, or a candidate, or both. */
  *waiting(): Generator<Channel> {
    for (const channel of this.#channels.values()) if (channel.publication === null) yield channel;
  }

  /** All live streams. */
  *publications(): Generator<Publication> {
    for (const { publication } of this.#channels.values()) if (publication !== null) yield publication;
  }

  *streams(): Generator<LiveStream> {
    for (const { stream } of this.publications()) yield stream;
  }

  /** Streams that this node does not relay: those of its own clients, and held streams, a relay's too. */
  get publicationCount(): number {
    let count = 0;
    for (const { publisher } of this.publications()) if (publisher?.isRelay !== true) count += 1;
    return count;
  }

  /** Players including waiting ones, without relays of other nodes. */
  get viewerCount(): number {
    let count = 0;
    for (const channel of this.#channels.values()) count += channel.viewerCount;
    return count;
  }

  /** Players by protocol, waiting ones included, without relays of other nodes. */
  get viewersByProtocol(): Readonly<Record<PlayerProtocol, number>> {
    const none = Object.fromEntries(playerProtocols.map((protocol) => [protocol, 0]));
    const counts = none as Record<PlayerProtocol, number>;
    for (const player of this.players()) if (!player.isRelay) counts[player.protocol] += 1;
    return counts;
  }

  /** All players, those included that wait for a stream. */
  *players(): Generator<Player> {
    for (const { players } of this.#channels.values()) yield* players;
  }

  /** Called once a second: see LiveStream.tick and Channel.tick. */
  tick(now: number): void {
    for (const { stream } of this.publications()) stream.tick(now);
    for (const channel of this.#channels.values()) channel.tick(now);
  }

  readonly #forget = (channel: Channel): void => {
    if (this.#channels.get(channel.name) === channel) this.#channels.delete(channel.name);
  };
}
