import type { Admission } from '../admission/admission';
import type { KeyHash } from '../leases/key-hash';
import type { Channel } from '../hub/channel';
import type { Publication } from '../hub/publication';
import type { LifeStore } from '../leases/life-store';
import type { RelayTokens } from '../relay/relay-token';
import type { ListenerTargets } from './life-listener';

/** Events of the store of lives that the node handles itself: missed commands of operators, and nodes that are gone. */
export type NodeListener = Pick<ListenerTargets, 'command' | 'nodeLeft'>;

/** A node's membership in a fleet; for a single node, one without other members. */
export interface FleetMember {
  readonly store: LifeStore;
  readonly keyHash: KeyHash;
  /** The id by which an operator names this node, shared by all worker processes of this machine. */
  readonly machineId: string;
  /** Absent where there are no other nodes. */
  readonly verifyRelay?: (token: string, channel: string) => Promise<boolean>;
  /** Sign and verify questions of the API; absent where there are no other nodes. */
  readonly callTokens?: RelayTokens;
  /** A viewer waits for a channel that has no publisher here. */
  streamWanted(channel: string): void;
  /** Whether a stream of this channel, which has none here, may be live on another node. */
  mayBeElsewhere(channel: string): Promise<boolean>;
  /** A stream continues at another node; its channel may have viewers here. */
  orphaned(channel: Channel, publication: Publication): void;
  /** Ids of the fleet's nodes, some seconds old at most, this node's included. */
  peers(): readonly string[];
  /** To be called once a second. */
  tick(now: number): void;
  /** Joins the fleet; from then on the node gets the store's events. */
  start(admission: Admission, node: NodeListener): Promise<void>;
  stop(): Promise<void>;
}
