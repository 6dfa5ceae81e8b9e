import { LiveStream, type StreamEnvironment } from './live-stream';
import { NextSource, type StreamInlet } from './next-source';
import type { Player } from './player';
import type { Publication, Publisher, StreamGrant } from './publication';

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
 */
export class Channel {
  readonly #players = new Set<Player>();
  /** Other nodes that are not served: see `#serveRelays`. */
  readonly #waitingRelays = new Set<Player>();
  readonly #env: StreamEnvironment;
  /** Who is being decided on; it takes the publisher's place if it is accepted. */
  #candidate: Publisher | null = null;
  #publication: MutablePublication | null = null;
  #handover: Handover | null = null;
  /** The stream comes from another node. */
  #isRelayed = false;

  constructor(
    readonly name: string,
    env: StreamEnvironment,
  ) {
    this.#env = env;
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
  begin(publisher: Publisher, { key, grant, admitsKey }: StreamBegin): Publication {
    this.#take(publisher);
    const former = this.#publication;
    if (former !== null) {
      this.#end(former);
      former.publisher?.displaced('Another publisher has taken this channel over');
    }
    const stream = new LiveStream(this.#env);
    const inlet = stream;
    const publication: MutablePublication = { channel: this.name, key, publisher, grant, stream, inlet, admitsKey };
    this.#publication = publication;
    this.#isRelayed = publisher.isRelay;
    for (const player of [...this.#players]) {
      if (player.isRelay && this.#isRelayed) {
        this.#waitingRelays.add(player);
      } else if (player.isRelay || admitsKey(player.key)) {
        player.listener.streamBegan();
        stream.addPlayer(player);
      } else {
        this.#players.delete(player);
        player.listener.keyRefused();
      }
    }
    return publication;
  }

  /**
   * The candidate goes on with the stream that is live or held; players notice nothing. `gently`: who feeds it now does
   * so until the candidate's first keyframe, and is displaced then instead of at once.
   */
  resume(publisher: Publisher, { key, grant, admitsKey }: StreamBegin, gently = false): Publication {
    this.#take(publisher);
    const publication = this.#publication;
    if (publication === null) throw new Error(`channel ${this.name} has no stream to resume`);
    const { stream, publisher: former } = publication;
    const feeding = this.#handover?.former ?? former;
    this.#handover?.next.abandon();
    this.#handover = null;
    Object.assign(publication, { publisher, key, grant, admitsKey });
    if (former !== feeding) former?.displaced(DISPLACED);
    if (gently && feeding !== null) {
      const next = new NextSource(stream, (withVideo) => this.#handOver(publication, withVideo));
      publication.inlet = next;
      this.#handover = { former: feeding, next };
    } else {
      publication.inlet = stream;
      stream.sourceChanged();
      feeding?.displaced(DISPLACED);
      this.#serveRelays(stream, !publisher.isRelay);
    }
    return publication;
  }

  /**
   * The publisher is lost but may come back: the stream stays, silent. A relay that was to feed it leaves that to the one
   * before.
   */
  hold(publisher: Publisher): void {
    const publication = this.#publication;
    if (publication?.publisher !== publisher) return;
    const handover = this.#handover;
    publication.publisher = null;
    if (handover === null) return;
    this.#handover = null;
    handover.next.abandon();
    if (publisher.isRelay) publication.publisher = handover.former;
    else handover.former.displaced(DISPLACED);
    this.#serveRelays(publication.stream, !this.#isRelayed);
  }

  /** Gives up the publisher's candidacy; a stream that it began is not touched. */
  withdraw(publisher: Publisher): void {
    if (this.#candidate === publisher) this.#candidate = null;
  }

  /** Ends the stream, if it is still this one; its publisher's connection is left to the caller. */
  end(publication: Publication): void {
    if (this.#publication === publication) this.#end(this.#publication);
  }

  /** Whether a player with this key may be added now. Without a live stream it waits for one, whatever its key. */
  admits(key: string): boolean {
    return this.#publication === null || this.#publication.admitsKey(key);
  }

  addPlayer(player: Player): void {
    this.#players.add(player);
    // Another node that comes during a handover follows the new source; its viewers have all that the former one sends.
    if (player.isRelay && (this.#handover !== null || this.#isRelayed)) this.#waitingRelays.add(player);
    else this.#publication?.stream.addPlayer(player);
  }

  removePlayer(player: Player): void {
    if (!this.#players.delete(player)) return;
    if (!this.#waitingRelays.delete(player)) this.#publication?.stream.removePlayer(player);
  }

  #take(publisher: Publisher): void {
    if (this.#candidate !== publisher) throw new Error(`channel ${this.name} is not reserved for this publisher`);
    this.#candidate = null;
  }

  /** The next source has its first keyframe. */
  #handOver({ stream, publisher }: Publication, withVideo: boolean): void {
    const former = this.#handover?.former;
    this.#handover = null;
    stream.sourceChanged(withVideo);
    former?.displaced(DISPLACED);
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

  #end(publication: Publication): void {
    this.#publication = null;
    this.#handover?.next.abandon();
    this.#handover?.former.displaced(DISPLACED);
    this.#handover = null;
    this.#waitingRelays.clear();
    publication.stream.end();
    for (const player of [...this.#players]) player.listener.streamEnded();
  }
}
