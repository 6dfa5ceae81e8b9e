import type { Channel } from '../../hub/channel';
import type { StreamInlet } from '../../hub/next-source';
import type { Player } from '../../hub/player';
import type { Publication } from '../../hub/publication';
import type { StreamTarget } from './name-rules';

/** No client has more. */
const MAX_REFUSED = 64;

/** A publish that is being decided on; nothing more is read from the client meanwhile. */
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
  /** The message stream that it came on; the channel's media is sent on it. */
  readonly streamId: number;
  readonly stream: StreamTarget;
  readonly channel: Channel;
  readonly player: Player;
}

/**
 * What a connection publishes and plays on its message streams: at most one publish and at most one play, which begin
 * and end apart from each other and are never on the same message stream.
 *
 *     publish:  none -> authorizing -> publishing -> none
 *     play:     none -> playing -> none
 */
export class OpenStreams {
  /** Message streams made so far; their ids count up from 1. */
  created = 0;
  publish: Authorizing | Publishing | null = null;
  play: Playing | null = null;

  /** Message streams whose publish was refused while another one went on; some clients send their media all the same. */
  readonly #refused = new Set<number>();

  /** A publish on this message stream was refused, and the connection goes on. */
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

  /** What there is in one word; a publish counts before a play. */
  get phase(): 'authorizing' | 'publishing' | 'playing' | undefined {
    return (this.publish ?? this.play)?.phase;
  }

  /** What is published or played on this message stream. Without an id: the publish or, if there is none, the play. */
  find(streamId: number | undefined): Publishing | Playing | null {
    const { publishing, play } = this;
    if (streamId === undefined) return publishing ?? play;
    if (publishing?.streamId === streamId) return publishing;
    return play?.streamId === streamId ? play : null;
  }
}
