/** Formats of recordings. */
export type RecordFormat = 'flv' | 'mp4';

/** What is done with a stream in addition to playing it. Absent fields: what the node's settings say for all streams. */
export interface OutputPolicy {
  /** Addresses to which the stream is forwarded: `rtmp://` or `rtmps://`, with their keys, which are secrets. */
  readonly forward?: readonly string[];
  /** The formats in which the stream is recorded; empty: it is not; `default`: those of the node's settings. */
  readonly record?: readonly RecordFormat[] | 'default';
  /** Whether the stream is packaged for browsers. */
  readonly hls?: boolean;
}
