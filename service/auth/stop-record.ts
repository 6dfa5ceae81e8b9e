/** A stop callback: all that any node needs to send it. */
export interface StopRecord {
  /** The `jti` of the one logical stop that the stream gets. */
  readonly jti: string;
  readonly channel: string;
  readonly key: string;
  readonly clientIp: string;
  readonly query: string;
  /** The id that the handler returned at the start; empty when it returned none, or its answer is not known. */
  readonly streamId: string;
  /** The `jti` of the start for which the handler returned the id; absent in records of earlier releases. */
  readonly startJti?: string | undefined;
}

/** Where the stops are kept that are due. */
export interface DueStops {
  /** At most `max` stops to deliver, the oldest first; each is given once in a run of the process. */
  pull(max: number): Promise<readonly StopRecord[]>;
  /** The stop was answered with 200, or given up. */
  delivered(jti: string): void;
}
