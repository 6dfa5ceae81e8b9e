import { randomBytes } from 'node:crypto';
import type { Admission } from '../admission/admission';
import { KeyHash } from '../leases/key-hash';
import type { Channel } from '../hub/channel';
import type { Hub } from '../hub/hub';
import type { Publication } from '../hub/publication';
import type { Logger } from '../logging/logger';
import type { TrafficCounters } from '../metrics/traffic-counters';
import type { Batching } from '../net/batching/batching';
import type { FleetKeys } from '../leases/fleet-keys';
import type { FleetMember, NodeListener } from './fleet-member';
import { lifeListener } from './life-listener';
import { Lookups } from '../relay/lookups';
import { RelayTokens } from '../relay/relay-token';
import { Relays } from '../relay/relays';
import type { LifeStore } from '../leases/life-store';

export interface SharedMemberOptions {
  readonly store: LifeStore;
  readonly machineId: string;
  readonly keys: FleetKeys;
  readonly hub: Hub;
  readonly batching: Batching;
  readonly traffic: TrafficCounters;
  readonly log: Logger;
  /** RECONNECT_GRACE_SECONDS in milliseconds: viewers' streams wait this long for a publisher that moves. */
  readonly graceMs: number;
}

/** A stream whose relay has lost its source is kept at least this long for another source (ms). */
const MIN_ORPHAN_MS = 5_000;

/** A node with others: a store keeps the lives of all nodes' channels, and streams of other nodes are relayed to its viewers. */
export class SharedMember implements FleetMember {
  readonly store: LifeStore;
  readonly keyHash: KeyHash;
  readonly machineId: string;
  readonly relays: Relays;
  readonly #tokens: RelayTokens;
  /** For questions of the API to other nodes. */
  readonly callTokens: RelayTokens;
  readonly #lookups: Lookups;
  #admission: Admission | undefined;

  constructor(options: SharedMemberOptions) {
    this.store = options.store;
    this.machineId = options.machineId;
    // Until the fleet's keys or secret are known, this node's hashes and tokens match no other node's.
    const provisional = randomBytes(32);
    this.keyHash = new KeyHash(options.keys, provisional);
    const tokens = { keys: options.keys, fallback: provisional, self: () => options.store.self };
    this.#tokens = new RelayTokens(tokens);
    this.callTokens = new RelayTokens({ ...tokens, purpose: 'rtmp-api' });
    this.#lookups = new Lookups(options.store);
    this.relays = new Relays({
      ...options,
      keyHash: this.keyHash,
      tokens: this.#tokens,
      lookups: this.#lookups,
      orphanMs: Math.max(MIN_ORPHAN_MS, options.graceMs),
      isHeld: (publication) => this.#admission?.isHeld(publication) === true,
    });
    void this.store.fleetSecret().then((secret) => this.#use(secret));
  }

  readonly verifyRelay = (token: string, channel: string): Promise<boolean> => this.#tokens.verify(token, channel);

  streamWanted(channel: string): void {
    this.relays.look(channel);
  }

  async mayBeElsewhere(channel: string): Promise<boolean> {
    try {
      const answer = this.#lookups.locateNow(channel);
      return answer === 'later' || (await answer) !== undefined;
    } catch {
      // The registry cannot be asked: the relay's own look-ups may find out.
      return true;
    }
  }

  orphaned(channel: Channel, publication: Publication): void {
    this.relays.adopt(channel, publication);
  }

  peers(): readonly string[] {
    return this.store.knownNodes?.map(({ id }) => id) ?? [];
  }

  tick(now: number): void {
    this.relays.tick(now);
  }

  start(admission: Admission, node: NodeListener): Promise<void> {
    this.#admission = admission;
    const channelChanged = (channel: string): void => {
      this.#lookups.changed(channel);
      this.relays.look(channel);
    };
    const secretChanged = (secret: Buffer): void => this.#use(secret);
    return this.store.start(lifeListener(admission, { ...node, channelChanged, secretChanged }));
  }

  async stop(): Promise<void> {
    this.relays.close();
    await this.store.stop();
  }

  #use(secret: Buffer): void {
    this.keyHash.use(secret);
    this.#tokens.use(secret);
    this.callTokens.use(secret);
  }
}
