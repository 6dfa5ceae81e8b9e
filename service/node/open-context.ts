import type { Admission } from '../admission/admission';
import type { ServiceConfig } from '../config/service-config';
import type { FleetMember } from '../fleet/fleet-member';
import type { Logger } from '../logging/logger';
import type { IoPath } from '../net/sockets/io-path';
import type { NameGrammar } from '../protocol/name-grammar';
import type { MovableSession } from '../session/opening';
import { NameRules } from '../session/rtmp-commands/name-rules';
import type { SessionContext } from '../session/session-context';
import type { Lifecycle } from './lifecycle';
import type { Media } from './media';
import type { NodeOutputs } from './node-outputs';
import type { PlayerMover } from './player-mover';
import type { MonotonicClock } from '../time/clock';
import type { Tracer } from '../tracing/span';

export interface ContextSurroundings {
  readonly config: ServiceConfig;
  readonly log: Logger;
  readonly tracer: Tracer | undefined;
  readonly media: Media;
  readonly names: NameGrammar;
  readonly admission: Admission;
  readonly member: FleetMember;
  readonly lifecycle: Lifecycle;
  /** Present where streams are forwarded, recorded or packaged. */
  readonly outputs: NodeOutputs | undefined;
  /** Present in one of several worker processes of a machine. */
  readonly mover: PlayerMover | undefined;
  readonly ioPath: IoPath;
  readonly now: MonotonicClock;
}

/** Connects the context that all sessions of a node share with the node's parts. */
export function openContext(surroundings: ContextSurroundings): SessionContext {
  const { config, log, tracer, media, names, admission, member, lifecycle, outputs, mover, ioPath, now } = surroundings;
  const { hub, traffic, batching, metrics } = media;
  const { playWhitelist, gopCacheBytes } = config.limits;
  const moves = mover !== undefined && ioPath === 'onread';
  return {
    hub,
    gate: media.teller.watch(admission, hub),
    names: new NameRules(names),
    log,
    tracer,
    traffic,
    chunkSize: config.rtmp.chunkSize,
    timeouts: config.timeouts,
    gopCacheBytes,
    streamWanted: (channel) => member.streamWanted(channel),
    ...verification(member, outputs),
    ...(moves && { moveToStream: (session: MovableSession, channel: string) => mover.move(session, channel) }),
    refusal: () => lifecycle.refusal,
    mayPlay: (address) => playWhitelist.isEmpty || playWhitelist.allows(address),
    now,
    afterRead: () => batching.afterRead(),
    sessionClosed: (code) => metrics.sessionClosed(code),
  };
}

/** Other nodes' relays, and `rtmp-outputs`, play with tokens. */
function verification(
  { verifyRelay }: FleetMember,
  outputs: NodeOutputs | undefined,
): Pick<SessionContext, 'verifyRelay'> {
  if (outputs === undefined) return verifyRelay === undefined ? {} : { verifyRelay };
  return {
    verifyRelay: async (token, channel) =>
      (await outputs.verify(token, channel)) || (await verifyRelay?.(token, channel)) === true,
  };
}
