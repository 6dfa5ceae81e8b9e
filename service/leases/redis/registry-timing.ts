/** How fast the fleet notices things. All nodes must have the same. */
export interface RegistryTiming {
  /** A node that has not renewed its registration for so long is taken for dead. */
  readonly ttlMs: number;
  /** How often it is renewed; a third of the TTL at most, so that one lost renewal does no harm. */
  readonly beatMs: number;
  /** A request that takes longer counts as not answered. */
  readonly requestTimeoutMs: number;
  /** How often a node compares all that it serves with what the registry says, without an occasion. */
  readonly auditMs: number;
}

export const DEFAULT_TIMING: RegistryTiming = {
  ttlMs: 10_000,
  beatMs: 3_000,
  requestTimeoutMs: 1_000,
  auditMs: 300_000,
};

/** Between 80 and 100 per cent, so that the nodes of a fleet do not all come at once. */
export function jittered(delayMs: number): number {
  return delayMs * (0.8 + Math.random() / 5);
}
