import type { Admission } from '../admission/admission';
import type { KeyHash } from '../leases/key-hash';
import type { Channel } from '../hub/channel';
import type { Publication } from '../hub/publication';
import type { ListenerTargets } from './registry-listener';
import type { LeaseRegistry } from '../leases/lease-registry';

/** What a node wants to hear itself: operators' commands that may have been missed, and conflicts. */
export type NodeListener = Pick<ListenerTargets, 'command' | 'conflict'>;

/** A node's part in a fleet; for a node that is alone, one that does nothing. */
export interface FleetMember {
  readonly registry: LeaseRegistry;
  readonly keyHash: KeyHash;
  /** Names this node, and all of this machine's when there are several: what an operator calls it. */
  readonly machineId: string;
  /** Absent where there are no other nodes. */
  readonly verifyRelay?: (token: string, channel: string) => Promise<boolean>;
  /** A viewer waits for a channel that has no publisher here. */
  streamWanted(channel: string): void;
  /** A stream goes on at another node; its channel may have viewers here. */
  orphaned(channel: Channel, publication: Publication): void;
  /** Whether connections from this address may be other nodes' relays. */
  isPeer(address: string): boolean;
  /** Ids of the fleet's nodes, as far as they have been asked for; this one's is among them. */
  peers(): readonly string[];
  /** Once a second. */
  tick(now: number): void;
  /** Joins; from then on the node hears what the fleet has to tell it. */
  start(admission: Admission, node: NodeListener): Promise<void>;
  stop(): Promise<void>;
}
