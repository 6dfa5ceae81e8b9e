/** Channels by number; the n-th of a process's nodes has each channel whose number is n modulo their count. */
export interface Channels {
  readonly from: number;
  /** Excluded. */
  readonly to: number;
}

/** What the benchmark can have the nodes of one process do. All is done by several nodes at the same time. */
export type NodeTask =
  | { readonly kind: 'join'; readonly port: number; readonly names: readonly string[] }
  | { readonly kind: 'leave'; readonly count: number }
  /** Every node takes each step once: the first time it sends whole scripts. */
  | { readonly kind: 'warmUp' }
  /** `perSecond`: publishers come at this rate, instead of some at a time. */
  | { readonly kind: 'publish'; readonly channels: Channels; readonly perSecond?: number }
  | { readonly kind: 'end'; readonly channels: Channels }
  /** Publishers are lost, and come back at the next node. */
  | { readonly kind: 'resume'; readonly channels: Channels }
  | { readonly kind: 'locate'; readonly channels: Channels }
  | { readonly kind: 'watch'; readonly channels: Channels }
  /** Every node reports the same command. */
  | { readonly kind: 'command'; readonly channel: string }
  | { readonly kind: 'report' };

/** The state of a process's nodes. */
export interface NodesReport {
  readonly nodes: number;
  readonly live: number;
  /** Announcements that Redis has delivered to them. */
  readonly deliveries: number;
  readonly stopsDelivered: number;
  /** How often a node took Redis for away. */
  readonly timesAway: number;
  /** A reason for it; empty: none. */
  readonly whyAway: string;
  /** CPU time of the process (s). */
  readonly cpuSeconds: number;
}

export interface NodeRequest {
  readonly id: number;
  readonly task: NodeTask;
}

export interface NodeAnswer {
  readonly id: number;
  readonly report: NodesReport;
  readonly error?: string;
}

export function channelName(number: number): string {
  return `channel-${number}`;
}
