import type { StopRecord } from '../auth/stop-record';
import type { Command } from '../operators/command-parser';
import type { LifeEffect, LifeEvent, Refusal } from '../publishing/life-events';
import type { ChannelStanding } from './channel-standing';

/** The address at which other nodes reach a node. */
export interface NodeAddress {
  readonly id: string;
  /** One run of the process. */
  readonly incarnation: string;
  readonly host: string;
  readonly port: number;
  /** Whether connections to that port have to begin with a PROXY protocol header. */
  readonly proxyHeader: boolean;
  readonly draining: boolean;
  /** Its HTTP port, if other nodes can reach it there. */
  readonly httpPort?: number | undefined;
}

/** The node where a channel is published, and what other nodes need to fetch its stream. */
export interface Location {
  readonly channel: string;
  readonly publish: string;
  /** The callback handler's id for the stream; empty when it gave none. */
  readonly streamId: string;
  readonly playKeyHash: string;
  readonly owner: NodeAddress;
}

/** An effect for one node. Stops are for the store: it keeps them until a node has delivered them. */
export type NodeEffect = Exclude<LifeEffect, { readonly kind: 'stop' }>;

/** What a stop has to say of the publish, apart from ids. */
export type StopFacts = Pick<StopRecord, 'channel' | 'key' | 'clientIp' | 'query'>;

/** The store's events for its node. Must not throw. May call the store. */
export interface LifeListener {
  /** All effects of one step for this node, in their order. Not called for another step before it has returned. */
  perform(channel: string, effects: readonly NodeEffect[]): void;
  /** The store cannot be reached: why nobody may come to the channel then; undefined: `come` is applied here alone. */
  refusalAlone(channel: string): Refusal | undefined;
  /** There may be stops to pull. */
  stopsDue(): void;
  /**
   * A stream began, moved or ended on any node of the fleet: a look-up of the channel may give another result. With a
   * store that has `watch`, only of channels that this node watches.
   */
  channelChanged(channel: string): void;
  /** An operator's command, redelivered because it may have been missed. */
  command(text: string): void;
  /** The store has lost its data, and another node gave the fleet a new secret. */
  secretChanged?(secret: Buffer): void;
  /** The node with this id has left the fleet, or died. One node of the fleet hears of it. */
  nodeLeft?(id: string): void;
}

/**
 * Keeps the lives of all channels, and changes each only by `step`, one event at a time. One implementation keeps them
 * in Redis, one in the process. No method rejects.
 */
export interface LifeStore {
  readonly self: NodeAddress;
  /** How lives name this node: see `Start.node`. The same until the process ends. */
  readonly member: string;
  /** To be called before `start`: the address at which other nodes reach this one, known only when it listens. */
  reachableAt(host: string, port: number, httpPort?: number): void;
  /** Registers the node and begins to renew; resolves when registered or after a short wait without. */
  start(listener: LifeListener): Promise<void>;
  /** Whether the store answers at present. */
  readonly connected: boolean;
  /** Commands that the store's server refuses and that this node needs to take part in the fleet. */
  readonly refused?: readonly string[];
  /**
   * Applies an event. Resolves when the effects for this node have been performed; those for others are on their way.
   * Events of one node for one channel are applied in the order of the calls. Without the store, the event is applied
   * to what this node knows of the channel.
   */
  apply(channel: string, event: LifeEvent): Promise<void>;
  /** What `Start.about` has to be, so that whoever sends the stop can read it, but nobody else. */
  about(facts: StopFacts): string;
  /** Takes at most `max` stops, the oldest first, for this node to deliver; each is given once in a run of the process. */
  pullStops(max: number): Promise<readonly StopRecord[]>;
  /** The stop was answered with 200, or given up. */
  stopDelivered(jti: string): Promise<void>;
  /** How many stops this node has to deliver, those included that it has pulled. */
  readonly dueStops: number;
  /** Where the channel is live or held; undefined when it is free or the store unavailable. */
  locate(channel: string): Promise<Location | undefined>;
  /** What operators are told of a channel; nothing when the store does not answer. */
  standing(channel: string): Promise<ChannelStanding>;
  /**
   * An operator's command was received: applies it to the channel's life, unless another node has done so. True if this
   * node was the first to report a `block`, or an `unblock` of a channel that was blocked; for other commands the result
   * has no meaning.
   */
  remember(command: Command): Promise<boolean>;
  /** Commands may have been missed for a while: redelivers those that concern this node's streams. */
  redeliverCommands(): Promise<void>;
  /** Marks this node as draining: others may continue its streams at once. */
  drain(): Promise<void>;
  /** The secret that all nodes of the fleet share, for relay tokens and key hashes; waits until it is known. */
  fleetSecret(): Promise<Buffer>;
  /** All registered nodes, as they are now; none when the store does not answer. */
  nodes(): Promise<readonly NodeAddress[]>;
  /** All registered nodes as last read, some seconds ago at most, if they are stored outside of the process. */
  readonly knownNodes?: readonly NodeAddress[];
  /**
   * Changes of this channel are to be announced, and are once this resolves. Without this method, those of all channels
   * are.
   */
  watch?(channel: string): Promise<void>;
  /** Changes of these channels need not be announced any more. */
  unwatch?(channels: readonly string[]): void;
  /** Stops renewing and removes the node; pending stops stay for others to deliver. */
  stop(): Promise<void>;
}
