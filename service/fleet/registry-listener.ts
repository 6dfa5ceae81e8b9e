import type { Admission } from '../admission/admission';
import type { RegistryListener } from './stream-registry';

export interface ListenerTargets {
  channelChanged(channel: string): void;
  command(text: string): void;
  /** The fleet has a new secret. */
  secretChanged(secret: Buffer): void;
}

/** Leads what the registry tells a node to those who act on it. */
export function registryListener(admission: Admission, targets: ListenerTargets): RegistryListener {
  return {
    order(order) {
      if (order.kind === 'moved') admission.moved(order.channel, order);
      else targets.command(order.text);
    },
    channelChanged: (channel) => targets.channelChanged(channel),
    stopsClaimed: (stops) => admission.stopsClaimed(stops),
    localLeases: () => admission.leases(),
    secretChanged: (secret) => targets.secretChanged(secret),
  };
}
