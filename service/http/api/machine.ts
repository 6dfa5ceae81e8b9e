import type { ChannelStanding } from '../../leases/channel-standing';
import type { NodeAddress } from '../../leases/life-store';
import type { RelayedNode } from '../../relay/relay-token';
import type { NodeAnswer, Question } from './questions';
import type { Unanswered } from './schemas/common';

/** The answers of several nodes, and who did not answer. */
export interface Answers {
  readonly answers: readonly NodeAnswer[];
  readonly unanswered: readonly Unanswered[];
}

/** What the fleet's registry says. */
export interface Directory {
  readonly self: string;
  /** All nodes; empty if there is no fleet, or its registry does not answer. */
  readonly nodes: readonly NodeAddress[];
  /** There is a fleet, but its registry does not answer: other nodes are not known. */
  readonly isIncomplete: boolean;
}

/** The nodes behind one HTTP port: a single one, or the workers of a machine. */
export interface Machine {
  /** Asks every node of this machine. Never rejects. */
  ask(question: Question): Promise<Answers>;
  directory(): Promise<Directory>;
  /** What the fleet's registry says of a channel. */
  standing(channel: string): Promise<ChannelStanding>;
  /** A token with which a node accepts the question with this digest; undefined if there are no other nodes. */
  sign(digest: string, node: RelayedNode): Promise<string | undefined>;
  /** Whether another node may ask this machine the question with this digest. */
  verify(token: string, digest: string): Promise<boolean>;
}
