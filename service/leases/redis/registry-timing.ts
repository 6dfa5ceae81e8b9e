/** Times of the registry's protocol. All nodes must have the same. */
export interface RegistryTiming {
  /** A node that has not renewed its registration for this long counts as dead. */
  readonly ttlMs: number;
  /** How often it is renewed; a third of the TTL at most, so that one lost renewal does no harm. */
  readonly beatMs: number;
  /** A request that takes longer counts as unanswered. */
  readonly requestTimeoutMs: number;
  /** How often a node reconciles its streams with the registry without a particular reason. */
  readonly auditMs: number;
}

export const DEFAULT_TIMING: RegistryTiming = {
  ttlMs: 10_000,
  beatMs: 3_000,
  requestTimeoutMs: 1_000,
  auditMs: 300_000,
};

/** Between 80 and 100 per cent of the delay, so that the nodes of a fleet do not act all at once. */
export function jittered(delayMs: number): number {
  return delayMs * (0.8 + Math.random() / 5);
}
