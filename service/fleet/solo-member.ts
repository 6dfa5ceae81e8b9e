import { randomBytes } from 'node:crypto';
import type { Admission } from '../admission/admission';
import { FleetKeys } from '../leases/fleet-keys';
import { KeyHash } from '../leases/key-hash';
import type { Channel } from '../hub/channel';
import type { Publication } from '../hub/publication';
import type { FleetMember } from './fleet-member';
import { MemoryLives } from '../leases/memory-lives';
import { MemoryLifeStore } from '../leases/memory-life-store';
import type { LifePolicy } from '../publishing/life-events';
import { lifeListener } from './life-listener';

/** A node without others: the lives of its channels are kept in the process, and all streams are on this node. */
export class SoloMember implements FleetMember {
  readonly store: MemoryLifeStore;
  readonly keyHash = new KeyHash(new FleetKeys(), randomBytes(32));
  readonly machineId: string;

  constructor(policy: LifePolicy) {
    this.store = new MemoryLifeStore(new MemoryLives(policy), 'local');
    this.machineId = this.store.self.id;
  }

  streamWanted(): void {}

  mayBeElsewhere(): Promise<boolean> {
    return Promise.resolve(false);
  }

  orphaned(channel: Channel, publication: Publication): void {
    channel.end(publication);
  }

  peers(): readonly string[] {
    return [];
  }

  tick(): void {}

  start(admission: Admission): Promise<void> {
    const deaf = { channelChanged() {}, command() {}, secretChanged() {}, nodeLeft() {} };
    return this.store.start(lifeListener(admission, deaf));
  }

  stop(): Promise<void> {
    return this.store.stop();
  }
}
