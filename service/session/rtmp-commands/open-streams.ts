import type { Channel } from '../../hub/channel';
import type { StreamInlet } from '../../hub/stream-inlet';
import type { Player } from '../../hub/player';
import type { Publication } from '../../hub/publication';
import type { StreamTarget } from './name-rules';

/** Most refused message streams that are remembered; no client has more. */
const MAX_REFUSED = 64;

/** A publish that is being decided; no further message is read from the client meanwhile. */
export interface Authorizing {
  readonly phase: 'authorizing';
  readonly streamId: number;
  readonly abort: AbortController;
}

/** A publish that was accepted. */
export interface Publishing {
  readonly phase: 'publishing';
  /** The message stream that it came on. */
  readonly streamId: number;
  readonly stream: StreamTarget;
  readonly publication: Publication;
  readonly inlet: StreamInlet;
}

/** A subscription to a channel, whether or not a stream is live there. */
export interface Playing {
  readonly phase: 'playing';
  /** The message stream that it came on; the channel's media is sent on the same. */
  readonly streamId: number;
  readonly stream: StreamTarget;
  readonly channel: Channel;
  readonly player: Player;
}

/**
 * A connection's publish and play on its message streams: at most one of each. They begin and end independently of each
 * other and are never on the same message stream.
 *
 *     publish:  none -> authorizing -> publishing -> none
 *     play:     none -> playing -> none
 */
export class OpenStreams {
  /** Message streams made so far; their ids count up from 1. */
  created = 0;
  publish: Authorizing | Publishing | null = null;
  play: Playing | null = null;

  /** Message streams whose publish was refused during another publish; some clients send their media nevertheless. */
  readonly #refused = new Set<number>();

  /** A publish on this message stream was refused, and the connection stays open. */
  refuse(streamId: number): void {
    if (this.#refused.size < MAX_REFUSED) this.#refused.add(streamId);
  }

  /** Whether media on this message stream belongs to a publish that was refused. */
  wasRefused(streamId: number): boolean {
    return this.#refused.size > 0 && this.#refused.has(streamId) && this.publishing?.streamId !== streamId;
  }

  get isEmpty(): boolean {
    return this.publish === null && this.play === null;
  }

  /** The accepted publish, if there is one. */
  get publishing(): Publishing | null {
    return this.publish?.phase === 'publishing' ? this.publish : null;
  }

  /** The phase of the publish or, without a publish, of the play. */
  get phase(): 'authorizing' | 'publishing' | 'playing' | undefined {
    return (this.publish ?? this.play)?.phase;
  }

  /** The publish or play on this message stream. Without an id: the publish or, without a publish, the play. */
  find(streamId: number | undefined): Publishing | Playing | null {
    const { publishing, play } = this;
    if (streamId === undefined) return publishing ?? play;
    if (publishing?.streamId === streamId) return publishing;
    return play?.streamId === streamId ? play : null;
  }
}
