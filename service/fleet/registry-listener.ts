import type { Admission } from '../admission/admission';
import type { RegistryListener } from '../leases/lease-registry';

export interface ListenerTargets {
  channelChanged(channel: string): void;
  command(text: string): void;
  /** Two nodes had one channel, and the publisher on this node ends. */
  conflict(): void;
  /** The fleet has a new secret. */
  secretChanged(secret: Buffer): void;
}

/** Passes the registry's events to the parts of the node that handle them. */
export function registryListener(admission: Admission, targets: ListenerTargets): RegistryListener {
  return {
    order(order) {
      if (order.kind !== 'moved') {
        targets.command(order.text);
        return;
      }
      if (order.conflict) targets.conflict();
      admission.moved(order.channel, order);
    },
    channelChanged: (channel) => targets.channelChanged(channel),
    stopsClaimed: (stops) => admission.stopsClaimed(stops),
    localLeases: () => admission.leases(),
    secretChanged: (secret) => targets.secretChanged(secret),
  };
}
