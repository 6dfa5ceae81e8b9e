import type { StreamGrant } from '../auth/publish-authorizer';
import { keysEqual } from './key-equality';
import { LiveStream, type StreamEnvironment } from './live-stream';
import type { Player } from './player';
import type { Publication, Publisher } from './publication';

/**
 * A name that one publisher sends to and any number of players listen to. Players stay when a stream ends and get the
 * next one; the channel itself holds no media.
 */
export class Channel {
  readonly #players = new Set<Player>();
  readonly #env: StreamEnvironment;
  #holder: Publisher | null = null;
  #publication: Publication | null = null;

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

  get playerCount(): number {
    return this.#players.size;
  }

  get isUnused(): boolean {
    return this.#holder === null && this.#players.size === 0;
  }

  /** Takes the channel's only publisher's place; false when it is taken. Ended by `release`. */
  reserve(publisher: Publisher): boolean {
    if (this.#holder !== null) return false;
    this.#holder = publisher;
    return true;
  }

  /** The holder of the place was accepted: its stream begins, and players that waited for this key get it. */
  begin(publisher: Publisher, key: string, grant: StreamGrant): Publication {
    if (this.#holder !== publisher) throw new Error(`channel ${this.name} is not reserved for this publisher`);
    const stream = new LiveStream(this.#env);
    const publication: Publication = { channel: this.name, key, publisher, grant, stream };
    this.#publication = publication;
    for (const player of [...this.#players]) {
      if (this.#acceptsKey(player.key)) {
        player.listener.streamBegan();
        stream.addPlayer(player);
      } else {
        this.#players.delete(player);
        player.listener.keyRefused();
      }
    }
    return publication;
  }

  /** Gives the publisher's place up, ending its stream if it had begun. Does nothing for anybody but the holder. */
  release(publisher: Publisher): void {
    if (this.#holder !== publisher) return;
    this.#holder = null;
    const publication = this.#publication;
    if (publication === null) return;
    this.#publication = null;
    publication.stream.end();
    for (const player of [...this.#players]) player.listener.streamEnded();
  }

  /** Whether a player with this key may be added now. Without a live stream it waits for one, whatever its key. */
  admits(key: string): boolean {
    return this.#publication === null || this.#acceptsKey(key);
  }

  addPlayer(player: Player): void {
    this.#players.add(player);
    this.#publication?.stream.addPlayer(player);
  }

  removePlayer(player: Player): void {
    if (this.#players.delete(player)) this.#publication?.stream.removePlayer(player);
  }

  /** Players present the publishing key, or the play key where the handler has given one. */
  #acceptsKey(key: string): boolean {
    const publication = this.#publication!;
    return keysEqual(key, publication.grant.playKey ?? publication.key);
  }
}
