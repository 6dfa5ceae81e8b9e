import type { ServiceConfig } from '../config/service-config';
import type { FleetMember } from '../fleet/fleet-member';
import { FlvViewers } from '../http/flv/flv-viewers';
import type { StreamPlayer } from '../http/http-server';
import type { ConnectionPlaces } from '../net/gate/connection-limits';
import { maxConnections } from '../net/gate/max-connections';
import type { OpenSessions } from '../session/open-sessions';
import type { SessionContext } from '../session/session-context';

/** Gives a worker the HTTP players that the parent process has accepted on the HTTP port. */
export interface HttpPlayerLine {
  /** @param player undefined: there are none */
  takeHttpPlayers(player: StreamPlayer | undefined): void;
}

export interface ViewersSurroundings {
  readonly origins: readonly string[];
  readonly maxPlayers: number;
  readonly context: SessionContext;
  readonly sessions: OpenSessions;
  readonly member: FleetMember;
  readonly places: ConnectionPlaces;
}

/** At most this share of the process's connections may be those of HTTP players. */
const CONNECTION_SHARE = 0.25;

/** Most HTTP players of this process: each worker takes its share of them. */
export function mostHttpPlayers({ http, httpPlaying, workers }: ServiceConfig, isWorker: boolean): number {
  // The parent process has the HTTP port of workers.
  if (http === undefined && !isWorker) return 0;
  return Math.min(Math.ceil(httpPlaying.maxPlayers / workers), Math.floor(maxConnections() * CONNECTION_SHARE));
}

/** The node's HTTP players; undefined when nobody may play over HTTP. */
export function openViewers(surroundings: ViewersSurroundings): FlvViewers | undefined {
  const { origins, maxPlayers, context, sessions, member, places } = surroundings;
  if (maxPlayers === 0) return undefined;
  return new FlvViewers({
    hub: context.hub,
    names: context.names,
    traffic: context.traffic,
    log: context.log,
    now: () => context.now(),
    mayPlay: (address) => context.mayPlay(address),
    refusal: () => context.refusal(),
    streamWanted: (channel) => context.streamWanted(channel),
    mayBeElsewhere: (channel) => member.mayBeElsewhere(channel),
    places,
    maxPlayers,
    origins,
    nextId: () => sessions.nextId(),
  });
}
