import type { Admission } from '../admission/admission';
import type { ServiceConfig } from '../config/service-config';
import type { FleetMember } from '../fleet/fleet-member';
import type { Hub } from '../hub/hub';
import type { Logger } from '../logging/logger';
import type { Metrics } from '../metrics/metrics';
import { CommandHandler, ENDED_BY_OPERATOR } from '../operators/command-handler';
import { Operators } from '../operators/operators';
import type { Reader } from '../operators/read-channel';
import type { NameGrammar } from '../protocol/name-grammar';
import type { ChangingPassword } from '../redis/redis-password';
import type { StreamTeller } from './stream-teller';

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
  readonly teller: StreamTeller;
  /** undefined: another process answers what operators read. */
  readonly reader: Reader | undefined;
  /** An operator wants this node drained and ended. */
  readonly drainRequested: () => void;
}

/** Starts to receive operators' commands: through the API and, with Redis, on its channel. */
export function openOperators(surroundings: OperatorsSurroundings): Operators {
  const { config, hub, admission, member, metrics, teller, drainRequested, ...shared } = surroundings;
  const { store } = member;
  const handler = new CommandHandler({
    hub,
    isHeld: (publication) => admission.isHeld(publication),
    endHeld: (publication) => {
      teller.ends(publication, 'operator', ENDED_BY_OPERATOR);
      admission.endHeld(publication);
    },
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
