import type { Admission } from '../admission/admission';
import type { LifeListener } from '../leases/life-store';

/** What of the store's events is not the admission's. */
export type ListenerTargets = Required<Pick<LifeListener, 'channelChanged' | 'command' | 'secretChanged' | 'nodeLeft'>>;

/** Passes the events of the store of lives to the parts of the node that handle them. */
export function lifeListener(admission: Admission, targets: ListenerTargets): LifeListener {
  return {
    perform: (channel, effects) => admission.perform(channel, effects),
    refusalAlone: (channel) => admission.refusalAlone(channel),
    stopsDue: () => admission.stopsDue(),
    channelChanged: (channel) => targets.channelChanged(channel),
    command: (text) => targets.command(text),
    secretChanged: (secret) => targets.secretChanged(secret),
    nodeLeft: (id) => targets.nodeLeft(id),
  };
}
