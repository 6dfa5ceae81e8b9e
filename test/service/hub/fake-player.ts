import { Player, type PlayerListener, type PlayerOutlet } from '../../../service/hub/player';
import type { PlayerFormat } from '../../../service/hub/player-format';
import { ChunkDecoder, type ReceivedMessage } from '../../support/rtmp/wire-reader';

/**
 * A socket, as far as players use it. Like a real socket it keeps the given buffers, not copies, until it is drained,
 * so that memory that is reused too early shows as wrong bytes.
 */
export class FakeOutlet implements PlayerOutlet {
  /** False: nothing leaves before `drain`. */
  fast = true;
  /** Calls of `write` and `writeAll`, each of which costs a system call. */
  writes = 0;
  unsentBytes = 0;
  /** The very buffer that was written last. */
  last: Buffer | undefined;
  readonly #queue: Buffer[] = [];
  readonly #sent: Buffer[] = [];

  write(bytes: Buffer): boolean {
    this.writes += 1;
    this.last = bytes;
    this.#take(bytes);
    return this.unsentBytes > 0;
  }

  writeAll(views: readonly Buffer[]): boolean {
    this.writes += 1;
    for (const view of views) this.#take(view);
    return this.unsentBytes > 0;
  }

  /** Lets up to so many bytes leave. */
  drain(maxBytes = Infinity): void {
    for (let left = maxBytes; left > 0 && this.#queue.length > 0;) {
      const first = this.#queue[0]!;
      const count = Math.min(left, first.length);
      this.#sent.push(Buffer.from(first.subarray(0, count)));
      if (count === first.length) this.#queue.shift();
      else this.#queue[0] = first.subarray(count);
      this.unsentBytes -= count;
      left -= count;
    }
  }

  /** All bytes that have left so far. */
  get sent(): Buffer {
    return Buffer.concat(this.#sent);
  }

  /** The messages that have left so far; throws at the first byte that is out of place. */
  messages(chunkSize: number): ReceivedMessage[] {
    const decoder = new ChunkDecoder();
    decoder.chunkSize = chunkSize;
    return decoder.push(this.sent);
  }

  #take(bytes: Buffer): void {
    if (this.fast && this.#queue.length === 0) {
      this.#sent.push(Buffer.from(bytes));
    } else {
      this.#queue.push(bytes);
      this.unsentBytes += bytes.length;
    }
  }
}

export interface FakePlayerOptions {
  readonly streamId?: number;
  readonly key?: string;
  readonly wantsCache?: boolean;
  /** False: nothing leaves its socket before it is drained. */
  readonly fast?: boolean;
  /** Another node's. */
  readonly isRelay?: boolean;
  /** Called when the player is told that a stream begins. */
  readonly began?: (player: Player) => void;
  /** Called when the player is told that it is too slow. */
  readonly slow?: () => void;
  /** False: knows of no multitrack. */
  readonly wantsAllTracks?: boolean;
  /** How it gets FLV tags; default: it gets RTMP chunks. */
  readonly format?: PlayerFormat;
}

/** A player on a fake socket that records the notifications of its session. */
export class FakePlayer {
  readonly outlet = new FakeOutlet();
  /** In order: began, ended, refused, and why it is too slow. */
  readonly events: string[] = [];
  readonly player: Player;

  constructor(options: FakePlayerOptions = {}) {
    const { streamId = 1, key = 'key', wantsCache = true, fast = true, isRelay = false, wantsAllTracks } = options;
    this.outlet.fast = fast;
    const listener: PlayerListener = {
      streamBegan: () => {
        this.events.push('began');
        options.began?.(this.player);
      },
      streamEnded: () => this.events.push('ended'),
      keyRefused: () => this.events.push('refused'),
      tooSlow: (reason) => {
        this.events.push(reason);
        options.slow?.();
      },
    };
    const { format } = options;
    this.player = new Player({
      ...{ outlet: this.outlet, listener, streamId, key, wantsCache, isRelay, wantsAllTracks },
      ...(format && { format }),
    });
  }
}
