import { Changes } from './changes';
import type { ChannelObserver } from './channel-observer';
import { LiveStream, type StreamEnvironment } from './live-stream';
import type { Player } from './player';
import type { Publication, StreamGrant } from './publication';
import type { EndReason, Publisher } from './publisher';
import type { SourcesListener } from './stream-sources';

/** Whether players with this key may have the stream. */
export type KeyCheck = (key: string) => boolean;

/** What all channels of a node share. */
export interface ChannelEnvironment extends StreamEnvironment {
  readonly observer?: ChannelObserver | undefined;
}

/** What a channel needs to begin a stream, or to resume one with another publisher. */
export interface StreamBegin {
  /** The publishing key; empty for a relay, which does not know it. */
  readonly key: string;
  readonly grant: StreamGrant;
  readonly admitsKey: KeyCheck;
}

interface MutablePublication extends Publication {
  key: string;
  grant: StreamGrant;
  admitsKey: KeyCheck;
}

const DISPLACED = 'Another connection continues this stream';

/**
 * A name that one publisher sends to and any number of players listen to. Players stay when a stream ends and get the
 * next one; the channel itself holds no media.
 *
 * **Listeners are called only when a change is complete.** Publishers and players learn that a stream began, ended or
 * changed its source when the outermost `change` has ended, in the order of the events. So a listener sees the channel
 * in its final state and may call any method; notifications of its own changes queue behind those that already wait.
 * Listeners must not throw.
 */
export class Channel {
  readonly #players = new Set<Player>();
  /** Relays that are not served from here: see `#serveRelays`. */
  readonly #waitingRelays = new Set<Player>();
  /** Players removed for a wrong key whose listener has not been told yet. */
  readonly #refused = new Set<Player>();
  readonly #env: ChannelEnvironment;
  /** The publisher that waits for its decision; it becomes the stream's publisher if it is accepted. */
  #candidate: Publisher | null = null;
  #publication: MutablePublication | null = null;
  readonly #changes: Changes;
  readonly #sourcesListener: SourcesListener = {
    change: (steps) => this.change(steps),
    displaced: (source) => this.#displace(source),
    sourceDecided: () => {
      if (this.#publication === null) return;
      this.#serveRelays(this.#publication.stream);
      this.#tellSource(this.#publication);
    },
  };

  /** @param becameUnused called at the end of a change that leaves the channel unused */
  constructor(
    readonly name: string,
    env: ChannelEnvironment,
    becameUnused: (channel: Channel) => void,
  ) {
    this.#env = env;
    this.#changes = new Changes(() => {
      if (this.isUnused) becameUnused(this);
    });
  }

  /** The live stream; null while there is none, also while a publisher waits to be accepted. */
  get publication(): Publication | null {
    return this.#publication;
  }

  /** Players other than relays of other nodes. */
  get viewerCount(): number {
    let count = 0;
    for (const player of this.#players) if (!player.isRelay) count += 1;
    return count;
  }

  /** All players, those included that no stream serves. */
  get players(): Iterable<Player> {
    return this.#players;
  }

  get isUnused(): boolean {
    return this.#candidate === null && this.#publication === null && this.#players.size === 0;
  }

  /** Runs several steps as one change: listeners are called at its end. */
  change<T>(steps: () => T): T {
    return this.#changes.run(steps);
  }

  /**
   * Reserves the channel for a publisher that waits for its decision, the candidate. False while the channel is
   * reserved for another candidate, or while a stream is live, unless `mayReplace`. Ended by `begin`, `resume` or
   * `withdraw`.
   */
  reserve(publisher: Publisher, mayReplace = false): boolean {
    if (this.#candidate !== null || (this.#publication !== null && !mayReplace)) return false;
    this.#candidate = publisher;
    return true;
  }

  /** The candidate was accepted: begins its stream, after ending a live one, and adds the waiting players to it. */
  begin(publisher: Publisher, begin: StreamBegin): Publication {
    return this.change(() => this.#begin(publisher, begin));
  }

  /**
   * The candidate resumes the stream that is live or held; players notice nothing. `gently`: the present source feeds
   * the stream until the candidate's first keyframe, and is displaced then instead of at once. The source that feeds the
   * stream may be the candidate: then the one that was to replace it is displaced.
   */
  resume(publisher: Publisher, begin: StreamBegin, gently = false): Publication {
    return this.change(() => {
      this.#take(publisher);
      const publication = this.#publication;
      if (publication === null) throw new Error(`channel ${this.name} has no stream to resume`);
      Object.assign(publication, begin);
      this.#tellSource(publication);
      publication.stream.sources.resume(publisher, gently);
      return publication;
    });
  }

  /**
   * The publisher is lost but may come back: the stream stays, silent. If the publisher is a relay that has not taken
   * over yet, the former source keeps feeding the stream. With a reason, the publisher is not lost but displaced. Also to
   * be called for the former source, if it is lost meanwhile.
   */
  hold(publisher: Publisher, displacedBecause?: EndReason): void {
    this.change(() => {
      if (this.#publication === null) return;
      const { sources } = this.#publication.stream;
      if (sources.publisher !== publisher) {
        if (sources.feeding !== publisher) return;
        this.#tellSource(this.#publication);
        sources.feedingLost();
        return;
      }
      this.#tellSource(this.#publication);
      sources.hold();
      if (displacedBecause !== undefined) this.#displace(publisher, displacedBecause);
    });
  }

  /** Gives up the publisher's candidacy; a stream that it began is not touched. */
  withdraw(publisher: Publisher): void {
    this.change(() => {
      if (this.#candidate === publisher) this.#candidate = null;
    });
  }

  /**
   * Ends the stream, unless the channel has another stream by now. With a reason, the publisher is displaced; without,
   * its connection is left to the caller.
   */
  end(publication: Publication, displacedBecause?: EndReason): void {
    this.change(() => {
      if (this.#publication === publication) this.#end(this.#publication, displacedBecause);
    });
  }

  /** Whether a player with this key may be added now. Without a live stream it waits for one, whatever its key. */
  admits(key: string): boolean {
    return this.#publication === null || this.#publication.admitsKey(key);
  }

  /**
   * Refuses players that wait with a wrong key for a stream known to be live on another node, before its media arrives.
   */
  refuseOthers(admitsKey: KeyCheck): void {
    this.change(() => {
      for (const player of this.#players) if (!player.needsNoKey && !admitsKey(player.key)) this.#refuse(player);
    });
  }

  addPlayer(player: Player): void {
    this.#players.add(player);
    if (this.#publication === null) return;
    const { stream } = this.#publication;
    // A relay that joins during a handover gets the next source only: its viewers have the former source's media
    // already.
    if (player.isRelay && !stream.sources.isOwn) this.#waitingRelays.add(player);
    else stream.addPlayer(player);
  }

  /**
   * The player has left. Also to be called for a player that was to be added and was not: it releases an unused
   * channel.
   */
  removePlayer(player: Player): void {
    this.change(() => {
      this.#refused.delete(player);
      if (!this.#players.delete(player)) return;
      if (!this.#waitingRelays.delete(player)) this.#publication?.stream.removePlayer(player);
    });
  }

  /** Checks the players that no stream serves. Called once a second. */
  tick(now: number): void {
    const unserved = this.#publication === null ? this.#players : this.#waitingRelays;
    for (const player of unserved) player.checkDrain(now);
  }

  #take(publisher: Publisher): void {
    if (this.#candidate !== publisher) throw new Error(`channel ${this.name} is not reserved for this publisher`);
    this.#candidate = null;
  }

  #begin(publisher: Publisher, { key, grant, admitsKey }: StreamBegin): Publication {
    this.#take(publisher);
    if (this.#publication !== null) this.#end(this.#publication, 'Another publisher has taken this channel over');
    const stream = new LiveStream(this.#env, this.#sourcesListener);
    const { sources } = stream;
    sources.begin(publisher);
    const publication: MutablePublication = {
      channel: this.name,
      key,
      grant,
      admitsKey,
      stream,
      get publisher() {
        return sources.publisher;
      },
      get inlet() {
        return sources.inlet;
      },
    };
    this.#publication = publication;
    this.#tellSource(publication);
    for (const player of this.#players) {
      if (!player.needsNoKey && !admitsKey(player.key)) {
        this.#refuse(player);
        continue;
      }
      if (player.isRelay && publisher.isRelay) {
        this.#waitingRelays.add(player);
        continue;
      }
      // A new stream has no media to send yet, so players hear of its beginning before any media.
      stream.addPlayer(player);
      this.#tellPlayer(player, () => player.listener.streamBegan());
    }
    return publication;
  }

  /**
   * Serves relays only while the publisher is on this node. Other nodes fetch a relayed stream from its origin; serving
   * it here too would deliver it twice.
   */
  #serveRelays(stream: LiveStream): void {
    // Media received so far belongs to the players served so far.
    stream.flush();
    if (stream.sources.isOwn) {
      for (const player of this.#waitingRelays) stream.addPlayer(player);
      this.#waitingRelays.clear();
      return;
    }
    for (const player of this.#players) {
      if (!player.isRelay || this.#waitingRelays.has(player)) continue;
      stream.removePlayer(player);
      this.#waitingRelays.add(player);
    }
  }

  #end(publication: MutablePublication, displacedBecause?: EndReason): void {
    const { stream, publisher } = publication;
    this.#publication = null;
    stream.sources.end();
    this.#waitingRelays.clear();
    stream.end();
    const { observer } = this.#env;
    if (observer) this.#changes.note(() => observer.ended(publication, publisher, displacedBecause));
    for (const player of this.#players) this.#tellPlayer(player, () => player.listener.streamEnded());
    if (displacedBecause !== undefined) this.#displace(publisher, displacedBecause);
  }

  #tellSource(publication: Publication): void {
    const { observer } = this.#env;
    if (observer) this.#changes.note(() => observer.sourceChanged(publication));
  }

  #refuse(player: Player): void {
    this.#players.delete(player);
    this.#refused.add(player);
    this.#changes.note(() => {
      if (this.#refused.delete(player)) player.listener.keyRefused();
    });
  }

  #displace(publisher: Publisher | null, reason: EndReason = DISPLACED): void {
    if (publisher !== null) this.#changes.note(() => publisher.displaced(reason));
  }

  /** Notifies the player, unless it has left by then: its session may be playing another stream. */
  #tellPlayer(player: Player, news: () => void): void {
    this.#changes.note(() => {
      if (this.#players.has(player)) news();
    });
  }
}
