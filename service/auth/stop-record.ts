/** A stream's stop: all that any node needs to send the callback, kept from before the start is asked. */
export interface StopRecord {
  /** The `jti` of the one logical stop that the stream will get. */
  readonly jti: string;
  readonly channel: string;
  readonly key: string;
  readonly clientIp: string;
  readonly query: string;
  /** The id that the handler returned at the start; empty when it returned none, or its answer is not known. */
  readonly streamId: string;
  /** The `jti` of the start for which the handler returned the id; absent in records of earlier releases. */
  readonly startJti?: string | undefined;
  /** When the stream's first publisher came (ms since the epoch); absent in records of earlier releases. */
  readonly beganAt?: number | undefined;
}
