import { Changes } from './changes';
import { LiveStream, type StreamEnvironment } from './live-stream';
import { NextSource, type StreamInlet } from './next-source';
import type { Player } from './player';
import type { EndReason, Publication, Publisher, StreamGrant } from './publication';

/** Whether players with this key may have the stream. */
export type KeyCheck = (key: string) => boolean;

/** What a channel needs to know of a stream that begins. */
export interface StreamBegin {
  /** The publishing key; empty for a relay, which does not know it. */
  readonly key: string;
  readonly grant: StreamGrant;
  readonly admitsKey: KeyCheck;
}

interface MutablePublication extends Publication {
  key: string;
  grant: StreamGrant;
  publisher: Publisher | null;
  inlet: StreamInlet;
  admitsKey: KeyCheck;
}

/** A stream is about to have another source. */
interface Handover {
  /** Feeds the stream until the next one has a keyframe. */
  readonly former: Publisher;
  readonly next: NextSource;
}

const DISPLACED = 'Another connection goes on with this stream';

/**
 * A name that one publisher sends to and any number of players listen to. Players stay when a stream ends and get the
 * next one; the channel itself holds no media.
 *
 * **Nobody hears of a change before it is whole.** Publishers and players are told that a stream began, ended or has
 * another source only when the outermost `change` around it has ended, in the order in which things happened. So a
 * listener finds the channel as it will stay, and may call anything: what it changes is told after what already waits.
 * Listeners must not throw.
 */
export class Channel {
  readonly #players = new Set<Player>();
  /** Other nodes that are not served: see `#serveRelays`. */
  readonly #waitingRelays = new Set<Player>();
  /** Players that are no longer here for their wrong key, until they have been told. */
  readonly #refused = new Set<Player>();
  readonly #env: StreamEnvironment;
  /** Who is being decided on; it takes the publisher's place if it is accepted. */
  #candidate: Publisher | null = null;
  #publication: MutablePublication | null = null;
  #handover: Handover | null = null;
  /** The stream comes from another node. */
  #isRelayed = false;
  readonly #changes: Changes;

  /** @param becameUnused called at the end of a change that leaves the channel unused */
  constructor(
    readonly name: string,
    env: StreamEnvironment,
    becameUnused: (channel: Channel) => void,
  ) {
    this.#env = env;
    this.#changes = new Changes(() => {
      if (this.isUnused) becameUnused(this);
    });
  }

  /** The live stream; null while none is, also while a publisher waits to be accepted. */
  get publication(): Publication | null {
    return this.#publication;
  }

  /** Players that are people's, not other nodes'. */
  get viewerCount(): number {
    let count = 0;
    for (const player of this.#players) if (!player.isRelay) count += 1;
    return count;
  }

  get isUnused(): boolean {
    return this.#candidate === null && this.#publication === null && this.#players.size === 0;
  }

  /** Makes a change of several steps one: whoever has to be told of it is told at its end. */
  change<T>(steps: () => T): T {
    return this.#changes.run(steps);
  }

  /**
   * Makes the publisher the only one to be decided on for this channel; false while another is, or while a stream is
   * live, unless `mayReplace`. Ended by `begin`, `resume` or `withdraw`.
   */
  reserve(publisher: Publisher, mayReplace = false): boolean {
    if (this.#candidate !== null || (this.#publication !== null && !mayReplace)) return false;
    this.#candidate = publisher;
    return true;
  }

  /** The candidate was accepted: its stream begins, ending one that was live, and players that wait for it get it. */
  begin(publisher: Publisher, begin: StreamBegin): Publication {
    return this.change(() => this.#begin(publisher, begin));
  }

  /**
   * The candidate goes on with the stream that is live or held; players notice nothing. `gently`: who feeds it now does
   * so until the candidate's first keyframe, and is displaced then instead of at once.
   */
  resume(publisher: Publisher, begin: StreamBegin, gently = false): Publication {
    return this.change(() => this.#resume(publisher, begin, gently));
  }

  /**
   * The publisher is lost but may come back: the stream stays, silent. A relay that was to feed it leaves that to the one
   * before. With a reason, it is not lost but displaced.
   */
  hold(publisher: Publisher, displacedBecause?: EndReason): void {
    this.change(() => {
      if (this.#publication?.publisher !== publisher) return;
      this.#hold(this.#publication, publisher);
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
   * Ends the stream, if it is still this one. Its publisher is displaced if a reason for that is given, else its
   * connection is left to the caller.
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

  /** Players who wait with another key for a stream that is known to be live elsewhere: they are refused before it comes. */
  refuseOthers(admitsKey: KeyCheck): void {
    this.change(() => {
      for (const player of this.#players) if (!player.isRelay && !admitsKey(player.key)) this.#refuse(player);
    });
  }

  addPlayer(player: Player): void {
    this.#players.add(player);
    // Another node that comes during a handover follows the new source; its viewers have all that the former one sends.
    if (player.isRelay && (this.#handover !== null || this.#isRelayed)) this.#waitingRelays.add(player);
    else this.#publication?.stream.addPlayer(player);
  }

  /** The player has left, or never came: whoever is about to add one may call this instead. */
  removePlayer(player: Player): void {
    this.change(() => {
      this.#refused.delete(player);
      if (!this.#players.delete(player)) return;
      if (!this.#waitingRelays.delete(player)) this.#publication?.stream.removePlayer(player);
    });
  }

  #take(publisher: Publisher): void {
    if (this.#candidate !== publisher) throw new Error(`channel ${this.name} is not reserved for this publisher`);
    this.#candidate = null;
  }

  #begin(publisher: Publisher, { key, grant, admitsKey }: StreamBegin): Publication {
    this.#take(publisher);
    if (this.#publication !== null) this.#end(this.#publication, 'Another publisher has taken this channel over');
    const stream = new LiveStream(this.#env);
    const publication = { channel: this.name, key, publisher, grant, stream, inlet: stream, admitsKey };
    this.#publication = publication;
    this.#isRelayed = publisher.isRelay;
    for (const player of this.#players) {
      if (!player.isRelay && !admitsKey(player.key)) {
        this.#refuse(player);
        continue;
      }
      // A new stream has nothing to send yet: what a player is told here, it hears before any media.
      if (player.isRelay && this.#isRelayed) this.#waitingRelays.add(player);
      else stream.addPlayer(player);
      if (!this.#waitingRelays.has(player)) this.#tellPlayer(player, () => player.listener.streamBegan());
    }
    return publication;
  }

  #resume(publisher: Publisher, { key, grant, admitsKey }: StreamBegin, gently: boolean): Publication {
    this.#take(publisher);
    const publication = this.#publication;
    if (publication === null) throw new Error(`channel ${this.name} has no stream to resume`);
    const { stream, publisher: former } = publication;
    const feeding = this.#handover?.former ?? former;
    this.#handover?.next.abandon();
    this.#handover = null;
    Object.assign(publication, { publisher, key, grant, admitsKey });
    if (former !== feeding) this.#displace(former);
    if (gently && feeding !== null) {
      const next = new NextSource(stream, (withVideo, feed) =>
        this.change(() => {
          this.#handOver(publication, withVideo);
          feed();
        }),
      );
      publication.inlet = next;
      this.#handover = { former: feeding, next };
    } else {
      publication.inlet = stream;
      stream.sourceChanged();
      this.#displace(feeding);
      this.#serveRelays(stream, !publisher.isRelay);
    }
    return publication;
  }

  #hold(publication: MutablePublication, publisher: Publisher): void {
    const handover = this.#handover;
    publication.publisher = null;
    if (handover === null) return;
    this.#handover = null;
    handover.next.abandon();
    if (publisher.isRelay) publication.publisher = handover.former;
    else this.#displace(handover.former);
    this.#serveRelays(publication.stream, !this.#isRelayed);
  }

  /** The next source has its first keyframe. */
  #handOver({ stream, publisher }: Publication, withVideo: boolean): void {
    const former = this.#handover?.former ?? null;
    this.#handover = null;
    stream.sourceChanged(withVideo);
    this.#displace(former);
    this.#serveRelays(stream, publisher?.isRelay !== true);
  }

  /**
   * Other nodes are served from where the publisher is. What a relay brings they fetch themselves: from here as well, they
   * would get it twice.
   */
  #serveRelays(stream: LiveStream, serves: boolean): void {
    this.#isRelayed = !serves;
    // What has come so far is for those who were served so far.
    stream.flush();
    if (serves) {
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
    publication.publisher = null;
    this.#handover?.next.abandon();
    if (this.#handover !== null) this.#displace(this.#handover.former);
    this.#handover = null;
    this.#waitingRelays.clear();
    stream.end();
    for (const player of this.#players) this.#tellPlayer(player, () => player.listener.streamEnded());
    if (displacedBecause !== undefined) this.#displace(publisher, displacedBecause);
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

  /** Unless the player has left by then: its session may be playing something else. */
  #tellPlayer(player: Player, news: () => void): void {
    this.#changes.note(() => {
      if (this.#players.has(player)) news();
    });
  }
}
