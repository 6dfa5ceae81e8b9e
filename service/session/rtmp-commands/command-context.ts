import type { Hub } from '../../hub/hub';
import type { TrafficCounters } from '../../metrics/traffic-counters';
import type { NameRules } from './name-rules';
import type { PublishGate } from './publish-gate';

/** How another node's relay calls itself in `connect`. This proves nothing: its token does. */
export const RELAY_SOFTWARE = 'RtmpFleet';

/** What RTMP commands need from the node; shared by all its sessions. */
export interface CommandContext {
  readonly hub: Hub;
  readonly gate: PublishGate;
  readonly names: NameRules;
  readonly traffic: TrafficCounters;
  /** Outgoing chunk size, 128..65536. */
  readonly chunkSize: number;
  /** Whether a client with this address may play. */
  mayPlay(address: string): boolean;
  /** A viewer waits for this channel, which has no publisher here: it may be live on another node. */
  streamWanted(channel: string): void;
  /** Only another node's relay may stay: everybody else is disconnected with the first command. Default false. */
  readonly relaysOnly?: boolean;
  /** Whether the token lets another node play this channel; absent where there are no other nodes. */
  readonly verifyRelay?: (token: string, channel: string) => Promise<boolean>;
  /** Why no new stream or player can begin here now; undefined when one can. */
  refusal(): string | undefined;
}
