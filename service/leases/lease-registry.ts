import type { Command } from '../operators/command-parser';

/** Who holds a channel, as the whole fleet sees it. */
export interface Lease {
  readonly channel: string;
  /** Id and incarnation of the owner node; the lease is valid only while this very incarnation is registered. */
  readonly node: string;
  readonly incarnation: string;
  /** The publisher's session, unique in the fleet and for all time. */
  readonly session: string;
  /** `starting`: the callback is being asked; `held`: the publisher was lost and may come back. */
  readonly state: 'starting' | 'live' | 'held';
  /** The callback handler's id for the stream; empty while starting or when it gave none. */
  readonly streamId: string;
  /** The `jti` of the start that gives the id; empty where that is not known. */
  readonly startJti?: string;
  /** Fleet-keyed hashes of the publishing key and of what players must present: keys themselves are not stored here. */
  readonly keyHash: string;
  readonly playKeyHash: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** The last timestamp sent (ms, RTMP clock) when the publisher was lost; 0 otherwise. */
  readonly lastTimestamp: number;
  /** Its publisher took the channel over from another and still sends: it is not taken over in its turn. */
  readonly keeps: boolean;
}

/** Where a node can be reached by the others. */
export interface NodeAddress {
  readonly id: string;
  readonly incarnation: string;
  readonly host: string;
  readonly port: number;
  /** Whether connections to that port have to begin with a PROXY protocol header. */
  readonly proxyHeader: boolean;
  readonly draining: boolean;
}

/** What is needed to send a stream's stop callback without the node that ran it. */
export interface StopRecord {
  /** The `jti` of the one logical stop that the stream will get. */
  readonly jti: string;
  readonly channel: string;
  readonly key: string;
  readonly clientIp: string;
  readonly query: string;
  readonly streamId: string;
  /** The `jti` of the start that gives the id; absent in records of releases before. */
  readonly startJti?: string | undefined;
}

export interface LeaseRequest {
  readonly channel: string;
  readonly session: string;
  readonly keyHash: string;
  readonly startedAt: number;
  /** Kept so that a stop can be sent if this node dies, from before `start` is asked. */
  readonly stop: StopRecord;
}

export type AcquireOutcome =
  | { readonly kind: 'acquired' }
  /** An operator keeps this channel out for so long. */
  | { readonly kind: 'blocked'; readonly seconds: number }
  /** Somebody else's lease is valid; nothing was changed. `owner` is where it is served from. */
  | { readonly kind: 'busy'; readonly lease: Lease; readonly owner: NodeAddress }
  /** The registry did not answer in time. */
  | { readonly kind: 'unavailable' };

/** What another node, or this one's reconciliation, wants done with a stream of this node. */
export type RegistryOrder =
  /**
   * The lease moved to another session: end this copy. `continues`: the other session goes on with the same stream.
   * `stopIsSent`: this node was taken for dead and another one sends the stream's stop.
   */
  | {
      readonly kind: 'moved';
      readonly channel: string;
      readonly session: string;
      readonly continues: boolean;
      readonly stopIsSent: boolean;
      /** Nobody asked for it: both sessions had the channel, each without knowing of the other. */
      readonly conflict?: true;
    }
  /** An operator's command, redelivered because it may have been missed. */
  | { readonly kind: 'command'; readonly text: string };

/** What the registry tells its node. Called outside of any request; must not throw. */
export interface RegistryListener {
  order(order: RegistryOrder): void;
  /** A stream went live, moved or ended somewhere in the fleet: whoever waits for the channel may look again. */
  channelChanged(channel: string): void;
  /** A dead node's streams and undelivered stops were claimed by this node: their stops are this node's to send. */
  stopsClaimed(stops: readonly StopRecord[]): void;
  /** The registry was lost for so long that others may have thought this node dead: what it still serves. */
  localLeases(): readonly LiveLease[];
  /** The registry lost its memory, and another node gave the fleet a new secret. */
  secretChanged?(secret: Buffer): void;
}

/** A lease that this node believes it has, to be asserted again after the registry was away. */
export interface LiveLease extends LeaseRequest {
  readonly state: 'live' | 'held';
  readonly streamId: string;
  readonly playKeyHash: string;
}

/** The fleet's memory of who publishes what. One implementation keeps it in Redis, one in the process. */
export interface LeaseRegistry {
  readonly self: NodeAddress;
  /** Before `start`: where the other nodes reach this one, known only when it listens. */
  reachableAt(host: string, port: number): void;
  /** Registers the node and begins to renew; resolves when registered or after a short wait without. Never rejects. */
  start(listener: RegistryListener): Promise<void>;
  /** Whether the registry answers at the moment. */
  readonly connected: boolean;
  /** What the registry's server refuses to do although this node cannot take part in the fleet without it. */
  readonly refused?: readonly string[];
  /**
   * Takes the channel's lease if nobody has a valid one. Unless the outcome is `blocked` or `busy`, the session has to be
   * brought to an end by `abandon`, `forget` or `end`: after `unavailable` the lease may have been taken all the same.
   */
  acquire(request: LeaseRequest): Promise<AcquireOutcome>;
  /**
   * Keeps the record of a session that found the channel busy and may `replace` the one that has it, before `start` is
   * asked; without it a stop is lost when this node dies between the two. Ends like `acquire`.
   */
  announce(request: LeaseRequest): Promise<void>;
  /**
   * Takes the lease from `from` if that session still has it, telling its node; false when it has moved on, undefined
   * when the registry does not answer. `confirm` has to follow.
   */
  replace(request: LeaseRequest, from: string, continues: boolean): Promise<boolean | undefined>;
  /**
   * The start was accepted: names the stream. False when the lease is no longer this session's, or an operator's kill,
   * close or block came while the handler was asked; the stop is due then. True when the registry does not answer: the
   * stream may begin, and is looked at again when the registry is back.
   */
  confirm(channel: string, session: string, live: { streamId: string; playKeyHash: string }): Promise<boolean>;
  /** The publisher was lost; the lease stays this session's for the grace time. */
  hold(channel: string, session: string, lastTimestamp: number): Promise<void>;
  /** Whether the session, which took the channel over, is not to be taken over in its turn. */
  keep(channel: string, session: string, keeps: boolean): Promise<void>;
  /** The start was refused, or the publisher left before it was decided: nothing remains of the session. */
  abandon(channel: string, session: string): Promise<void>;
  /**
   * The stream ended: frees the lease and turns the session's record into a pending stop, in one step. True when the
   * stop is this node's to send; false when another node does, or the stream goes on elsewhere. The answer takes no
   * longer than a request may, and is true without the registry.
   */
  end(channel: string, session: string, stop: StopRecord): Promise<boolean>;
  /** The stream goes on elsewhere (`moved` with `continues`): forgets the session without a stop. */
  forget(session: string): Promise<void>;
  /** All stops that are this node's to send, where they are kept beyond its process. */
  pendingStops?(): readonly StopRecord[];
  /** The stop was answered 200, or given up. */
  stopDelivered(jti: string): Promise<void>;
  /** The valid lease and its owner; undefined when the channel is free or the registry away. */
  locate(channel: string): Promise<{ lease: Lease; owner: NodeAddress } | undefined>;
  /**
   * An operator's command was heard: keeps it for nodes that did not hear it and for publishes that are being decided on,
   * puts blocks into force and lifts them. Who is live is not touched. True when this node was the first to say so, and
   * found the block that was to be lifted.
   */
  remember(command: Command): Promise<boolean>;
  /** Commands may not have been heard for a while: orders again what concerns this node's streams. */
  redeliverCommands(): Promise<void>;
  /** Marks this node as draining: others may take over its streams at once. */
  drain(): Promise<void>;
  /** The secret that all nodes of the fleet share, for relay tokens and key hashes; waits until it is known. */
  fleetSecret(): Promise<Buffer>;
  /** Lists all registered nodes. */
  nodes(): Promise<readonly NodeAddress[]>;
  /** Stops renewing and removes the node; pending stops stay for others to claim. */
  stop(): Promise<void>;
}
