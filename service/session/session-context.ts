import type { PublishAuthorizer } from '../auth/publish-authorizer';
import type { Hub } from '../hub/hub';
import type { Logger } from '../logging/logger';
import type { TrafficCounters } from '../metrics/traffic-counters';
import type { NameRules } from './name-rules';
import type { CloseCode } from './session-state';

/** What all sessions of a node share. */
export interface SessionContext {
  readonly hub: Hub;
  readonly authorizer: PublishAuthorizer;
  readonly names: NameRules;
  readonly log: Logger;
  readonly traffic: TrafficCounters;
  /** Outgoing chunk size, 128..65536. */
  readonly chunkSize: number;
  /** Whether a client with this address may play. */
  mayPlay(address: string): boolean;
  /** Why no new stream can begin here now; undefined when one can. */
  refusesPublishers(): string | undefined;
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  sessionClosed(code: CloseCode): void;
}
