import { randomBytes } from 'node:crypto';
import type { Admission } from '../admission/admission';
import { FleetKeys } from '../leases/fleet-keys';
import { KeyHash } from '../leases/key-hash';
import type { Channel } from '../hub/channel';
import type { Publication } from '../hub/publication';
import type { FleetMember } from './fleet-member';
import { MemoryRegistry } from '../leases/memory-registry';
import { MemoryRegistryView } from '../leases/memory-registry-view';
import { registryListener } from './registry-listener';

/** A node without others: its registry is in the process, and all streams are on this node. */
export class SoloMember implements FleetMember {
  readonly registry = new MemoryRegistryView(new MemoryRegistry(), 'local');
  readonly keyHash = new KeyHash(new FleetKeys(), randomBytes(32));
  readonly machineId = this.registry.self.id;

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
    const deaf = { channelChanged() {}, command() {}, conflict() {}, secretChanged() {} };
    return this.registry.start(registryListener(admission, deaf));
  }

  stop(): Promise<void> {
    return this.registry.stop();
  }
}
