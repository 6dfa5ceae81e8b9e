import type { StopRecord } from '../auth/stop-record';
import type { Command } from '../operators/command-parser';

/** Who holds a channel, as the whole fleet sees it. */
export interface Lease {
  readonly channel: string;
  /** Id and incarnation of the owner node; the lease is valid only while exactly this incarnation is registered. */
  readonly node: string;
  readonly incarnation: string;
  /** Names one publish, from its first request to its stop; unique in the fleet and for all time. */
  readonly publishId: string;
  /** `starting`: the callback is being asked; `held`: the publisher was lost and may come back. */
  readonly state: 'starting' | 'live' | 'held';
  /** The callback handler's id for the stream; empty while starting or when it gave none. */
  readonly streamId: string;
  /** The `jti` of the start that gives the id; empty if it is not known. */
  readonly startJti?: string;
  /** When the stream's first publisher came (ms since the epoch); absent if that is not known. */
  readonly beganAt?: number | undefined;
  /** Fleet-keyed hashes of the publishing key and of the players' key: keys themselves are not stored here. */
  readonly keyHash: string;
  readonly playKeyHash: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The last timestamp sent (ms, RTMP clock) when the publisher was lost; 0 otherwise. */
  readonly lastTimestamp: number;
  /** Its publisher took the channel over from another and still sends, so the channel cannot be taken over again. */
  readonly keeps: boolean;
}

/** The address at which other nodes reach a node. */
export interface NodeAddress {
  readonly id: string;
  readonly incarnation: string;
  readonly host: string;
  readonly port: number;
  /** Whether connections to that port have to begin with a PROXY protocol header. */
  readonly proxyHeader: boolean;
  readonly draining: boolean;
  /** Its HTTP port, if other nodes can reach it there. */
  readonly httpPort?: number | undefined;
}

export interface LeaseRequest {
  readonly channel: string;
  readonly publishId: string;
  readonly keyHash: string;
  readonly startedAt: number;
  /** Kept so that a stop can be sent if this node dies, from before `start` is asked. */
  readonly stop: StopRecord;
}

export type AcquireOutcome =
  | { readonly kind: 'acquired' }
  /** An operator has blocked this channel for this much longer. */
  | { readonly kind: 'blocked'; readonly seconds: number }
  /** Another publish's lease is valid; nothing was changed. `owner` is the node that serves it. */
  | { readonly kind: 'busy'; readonly lease: Lease; readonly owner: NodeAddress }
  /** The registry did not answer in time. */
  | { readonly kind: 'unavailable' };

/** An order of another node, or of this node's reconciliation, about a stream of this node. */
export type RegistryOrder =
  /**
   * The lease moved to another publish: end this copy. `continues`: the other publish resumes the same stream.
   * `stopIsSent`: this node was declared dead and another node sends the stream's stop.
   */
  | {
      readonly kind: 'moved';
      readonly channel: string;
      readonly publishId: string;
      readonly continues: boolean;
      readonly stopIsSent: boolean;
      /** Both publishes had the channel, each without knowing of the other; no replacement was requested. */
      readonly conflict?: true;
    }
  /** An operator's command, redelivered because it may have been missed. */
  | { readonly kind: 'command'; readonly text: string };

/** The registry's events for its node. Called outside of any request; must not throw. */
export interface RegistryListener {
  order(order: RegistryOrder): void;
  /**
   * A stream went live, moved or ended on any node of the fleet: a look-up of the channel may give another result. With
   * a registry that has `watch`, only of channels that this node watches.
   */
  channelChanged(channel: string): void;
  /** This node has claimed a dead node's streams and undelivered stops, and has to send their stops. */
  stopsClaimed(stops: readonly StopRecord[]): void;
  /** The streams that this node still serves; asked after an outage so long that others may have declared it dead. */
  localLeases(): readonly LiveLease[];
  /** The registry lost its data, and another node gave the fleet a new secret. */
  secretChanged?(secret: Buffer): void;
}

/** A lease that this node believes it has, to be asserted again after an outage of the registry. */
export interface LiveLease extends LeaseRequest {
  readonly state: 'live' | 'held';
  readonly streamId: string;
  readonly playKeyHash: string;
}

/** The fleet's records of who publishes what. One implementation keeps them in Redis, one in the process. */
export interface LeaseRegistry {
  readonly self: NodeAddress;
  /** To be called before `start`: the address at which other nodes reach this one, known only when it listens. */
  reachableAt(host: string, port: number, httpPort?: number): void;
  /** Registers the node and begins to renew; resolves when registered or after a short wait without. Never rejects. */
  start(listener: RegistryListener): Promise<void>;
  /** Whether the registry answers at present. */
  readonly connected: boolean;
  /** Commands that the registry's server refuses and that this node needs to take part in the fleet. */
  readonly refused?: readonly string[];
  /**
   * Takes the channel's lease if there is no valid one. Unless the outcome is `blocked` or `busy`, the publish has to
   * be ended by `abandon`, `forget` or `end`: after `unavailable`, the lease may have been taken nevertheless.
   */
  acquire(request: LeaseRequest): Promise<AcquireOutcome>;
  /**
   * Stores the record of a publish that found the channel busy and may `replace` the publish that has it, before
   * `start` is asked. Without the record, a stop would be lost if this node died between the two. The publish ends as
   * after `acquire`.
   */
  announce(request: LeaseRequest): Promise<void>;
  /**
   * Takes the lease from the publish `from` if it still has it, and tells its node; false when another publish has it,
   * undefined when the registry does not answer. `confirm` has to follow.
   */
  replace(request: LeaseRequest, from: string, continues: boolean): Promise<boolean | undefined>;
  /**
   * The start was accepted: stores the stream's id. False when the lease is no longer this publish's, or an operator's
   * kill, close or block came while the handler was asked; then a stop has to be sent. True when the registry does not
   * answer: the stream may begin, and is checked again when the registry is back.
   */
  confirm(channel: string, publishId: string, live: { streamId: string; playKeyHash: string }): Promise<boolean>;
  /** The publisher was lost; the lease stays this publish's for the grace time. */
  hold(channel: string, publishId: string, lastTimestamp: number): Promise<void>;
  /** Sets whether the publish, which took the channel over, is protected from being taken over. */
  keep(channel: string, publishId: string, keeps: boolean): Promise<void>;
  /** The start was refused, or the publisher left before the decision: removes everything about the publish. */
  abandon(channel: string, publishId: string): Promise<void>;
  /**
   * The stream ended: frees the lease and turns the publish's record into a pending stop, in one step. True when this
   * node has to send the stop; false when another node sends it, or the stream continues on another node. Resolves
   * within the time limit of a request, to true without the registry.
   */
  end(channel: string, publishId: string, stop: StopRecord): Promise<boolean>;
  /** The stream continues on another node (`moved` with `continues`): removes the publish without a stop. */
  forget(publishId: string): Promise<void>;
  /** All stops that this node has to send, if they are stored outside of its process. */
  pendingStops?(): readonly StopRecord[];
  /** The stop was answered with 200, or given up. */
  stopDelivered(jti: string): Promise<void>;
  /** The valid lease and its owner; undefined when the channel is free or the registry unavailable. */
  locate(channel: string): Promise<{ lease: Lease; owner: NodeAddress } | undefined>;
  /**
   * An operator's command was received: stores it for nodes that missed it and for publishes that are being decided,
   * and sets and lifts blocks. Live streams are not touched. True if this node was the first to report a `block`, or an
   * `unblock` of a channel that was blocked; for other commands the result has no meaning.
   */
  remember(command: Command): Promise<boolean>;
  /** How much longer an operator keeps publishers out of the channel; 0: not at all, or not known. */
  blockedSeconds(channel: string): Promise<number>;
  /** Commands may have been missed for a while: redelivers those that concern this node's streams. */
  redeliverCommands(): Promise<void>;
  /** Marks this node as draining: others may take over its streams at once. */
  drain(): Promise<void>;
  /** The secret that all nodes of the fleet share, for relay tokens and key hashes; waits until it is known. */
  fleetSecret(): Promise<Buffer>;
  /** All registered nodes, as they are now; none when the registry does not answer. */
  nodes(): Promise<readonly NodeAddress[]>;
  /** All registered nodes as last read, some seconds ago at most, if they are stored outside of the process. */
  readonly knownNodes?: readonly NodeAddress[];
  /**
   * Changes of this channel are to be announced, and are once this resolves. Never rejects. Without this method, those of
   * all channels are.
   */
  watch?(channel: string): Promise<void>;
  /** Changes of these channels need not be announced any more. */
  unwatch?(channels: readonly string[]): void;
  /** Stops renewing and removes the node; pending stops stay for others to claim. */
  stop(): Promise<void>;
}
