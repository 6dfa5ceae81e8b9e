import type { Admission } from '../admission/admission';
import type { ServiceConfig } from '../config/service-config';
import type { FleetMember } from '../fleet/fleet-member';
import type { Hub } from '../hub/hub';
import type { Logger } from '../logging/logger';
import type { Metrics } from '../metrics/metrics';
import { CommandHandler } from '../operators/command-handler';
import { Operators } from '../operators/operators';
import type { NameGrammar } from '../protocol/name-grammar';
import type { ChangingPassword } from '../redis/redis-password';

export interface OperatorsSurroundings {
  readonly config: ServiceConfig;
  /** Redis's password, when it is in Secrets Manager. */
  readonly password: ChangingPassword | undefined;
  readonly names: NameGrammar;
  readonly log: Logger;
  readonly hub: Hub;
  readonly admission: Admission;
  readonly member: FleetMember;
  readonly metrics: Metrics;
  /** An operator wants this node drained and ended. */
  readonly drainRequested: () => void;
}

/** Starts to receive operators' commands; undefined without Redis, which delivers them. */
export function openOperators(surroundings: OperatorsSurroundings): Operators | undefined {
  const { config, hub, admission, member, metrics, drainRequested, ...shared } = surroundings;
  if (config.redis === undefined) return undefined;
  const { store } = member;
  const handler = new CommandHandler({
    hub,
    isHeld: (publication) => admission.isHeld(publication),
    endHeld: (publication) => admission.endHeld(publication),
    nodeIds: [store.self.id, member.machineId],
    drain: drainRequested,
  });
  return new Operators({
    ...shared,
    config: config.redis,
    carryOut: (command) => handler.execute(command),
    member: config.fleet && {
      id: store.self.id,
      known: () => member.peers(),
      registered: async () => (await store.nodes()).map(({ id }) => id),
    },
    counted: (verb, result) => metrics.commandHandled(verb, result),
    remember: (command) => store.remember(command),
    subscribed: () => void store.redeliverCommands(),
  });
}
