import type { LiveStream } from './live-stream';
import type { Publisher } from './publisher';
import type { OutputPolicy } from '../outputs/policy/output-policy';
import type { StreamInlet } from './stream-inlet';

/** Limits and names that came with the permission to publish. */
export interface StreamGrant {
  /** The callback handler's id for the stream; empty when it gave none. */
  readonly streamId: string;
  /** What players must present instead of the publishing key. */
  readonly playKey?: string;
  readonly maxDurationSeconds?: number;
  /** How long the stream was live on other nodes before this one (ms); it counts towards its longest duration. */
  readonly liveElsewhereMs?: number;
  readonly maxBitrateKbps?: number;
  /** What is done with the stream in addition to playing it. Its targets are secrets; undefined: what the settings say. */
  readonly outputs?: OutputPolicy;
  /** What operators ordered of its outputs while it was live on another node: JSON with secrets. */
  readonly orders?: string;
}

/** A stream that is live on this node. */
export interface Publication {
  readonly channel: string;
  readonly key: string;
  readonly stream: LiveStream;
  /** Takes the publisher's media: the stream, or a NextSource until the publisher's first keyframe. */
  readonly inlet: StreamInlet;
  /** The stream's publisher; null while the stream is held for one that was lost. */
  readonly publisher: Publisher | null;
  readonly grant: StreamGrant;
}
