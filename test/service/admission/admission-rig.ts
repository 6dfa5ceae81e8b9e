import { Admission, type AdmissionPolicy } from '../../../service/admission/admission';
import { FleetKeys } from '../../../service/leases/fleet-keys';
import { KeyHash } from '../../../service/leases/key-hash';
import type { PublishAuthorizer } from '../../../service/auth/publish-authorizer';
import { AcceptAllAuthorizer } from '../../../service/auth/accept-all-authorizer';
import { lifeListener } from '../../../service/fleet/life-listener';
import type { LifeStore } from '../../../service/leases/life-store';
import { MemoryLives } from '../../../service/leases/memory-lives';
import { MemoryLifeStore } from '../../../service/leases/memory-life-store';
import type { LifePolicy } from '../../../service/publishing/life-events';
import { Hub } from '../../../service/hub/hub';
import type { Publication } from '../../../service/hub/publication';
import type { Publisher } from '../../../service/hub/publisher';
import type { AdmissionOutcome } from '../../../service/session/rtmp-commands/publish-gate';
import { MessageType } from '../../../service/protocol/message-types';
import { SlabPool } from '../../../service/hub/slab';
import { TrafficCounters } from '../../../service/metrics/traffic-counters';
import { MemoryLogger } from '../../support/memory-logger';
import { avc } from '../../support/rtmp/media';

const STREAM = { channel: 'channel', key: 'key', query: '' };

let nodes = 0;

export function lifePolicyOf({
  takeover = false,
  graceMs = 0,
}: Partial<AdmissionPolicy & { takeover: boolean }>): LifePolicy {
  return { takeover, resumes: graceMs > 0 };
}

interface BenchPublisher extends Publisher {
  mediaAt: number;
}

/** The admission of one node, without callbacks. */
export class AdmissionRig {
  readonly hub = new Hub({
    pool: new SlabPool(0),
    traffic: new TrafficCounters(),
    chunkSize: 4096,
    gopCacheBytes: 1 << 20,
    scheduler: { ready: () => undefined },
    now: () => 0,
  });
  readonly admission: Admission;
  /** Publishers that were displaced, in order. */
  readonly displaced: Publisher[] = [];
  /** Why publishers were ended that may come back, in order. */
  readonly killed: string[] = [];

  /** Why the node takes no new publishers, and why it has no room for one; undefined: it does, and has. */
  refusing: string | undefined;
  full: string | undefined;

  readonly lives: MemoryLives;
  readonly store: LifeStore;

  /** @param lives the lives that this node shares with others */
  constructor(
    policy: Partial<AdmissionPolicy & { takeover: boolean }>,
    lives = new MemoryLives(lifePolicyOf(policy)),
    authorizer: PublishAuthorizer = new AcceptAllAuthorizer(),
  ) {
    const store = new MemoryLifeStore(lives, `node${(nodes += 1)}`);
    this.lives = lives;
    this.store = store;
    this.admission = new Admission({
      hub: this.hub,
      authorizer,
      store,
      policy: { graceMs: 0, withoutRegistry: 'accept', ...policy },
      keyHash: new KeyHash(new FleetKeys(), Buffer.alloc(32)),
      log: new MemoryLogger(),
      orphaned: () => undefined,
      conflict: () => undefined,
      ends: () => undefined,
      refusal: () => this.refusing,
      noRoom: () => this.full,
    });
    const deaf = { channelChanged() {}, command() {}, secretChanged() {}, nodeLeft() {} };
    // The store in memory has finished when the call returns.
    void store.start(lifeListener(this.admission, deaf));
  }

  publisher(): BenchPublisher {
    const publisher: BenchPublisher = {
      clientIp: '192.0.2.7',
      software: '',
      isRelay: false,
      mediaAt: 0,
      kill: (reason) => void this.killed.push(reason),
      displaced: () => void this.displaced.push(publisher),
    };
    return publisher;
  }

  admit(publisher: Publisher): Promise<AdmissionOutcome> {
    return this.admission.admit(publisher, STREAM, new AbortController().signal);
  }

  /** Lets a publisher in that sends nothing yet. */
  async publishes(publisher = this.publisher()): Promise<Publication> {
    const outcome = await this.admit(publisher);
    if (!outcome.accepted) throw new Error(outcome.reason);
    return outcome.publication;
  }

  /** As seconds pass: the publisher sends a frame in each, or nothing. */
  pass(fromSecond: number, toSecond: number, publisher?: BenchPublisher, frame = avc.keyframe('k')): void {
    const publication = this.hub.find(STREAM.channel)?.publication;
    for (let second = fromSecond; second <= toSecond; second += 1) {
      if (publisher !== undefined) {
        publisher.mediaAt = second * 1_000;
        publication?.inlet.appendMedia(MessageType.Video, second * 1_000, frame);
      }
      this.admission.tick(second * 1_000);
    }
  }
}
