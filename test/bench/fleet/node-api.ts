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
  /** Every node hears operators' commands from now on. */
  | { readonly kind: 'listen'; readonly port: number }
  /** So many publishers are lost at the same moment, and come back at the next node within this time, as it happens. */
  | { readonly kind: 'storm'; readonly most: number; readonly withinMs: number }
  /** So many nodes drain and leave, each after a new one has joined; their publishers go to other nodes. */
  | { readonly kind: 'replace'; readonly port: number; readonly count: number; readonly atOnce: number }
  | { readonly kind: 'report' };

/** The state of a process's nodes. */
export interface NodesReport {
  readonly nodes: number;
  readonly live: number;
  /** Announcements that Redis has delivered to them. */
  readonly deliveries: number;
  readonly stopsDelivered: number;
  /** Of streams that were live on a node of the same process. */
  readonly wrongStops: number;
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
