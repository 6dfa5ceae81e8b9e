import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PublishAuthorizer } from '../auth/publish-authorizer';
import type { AcquireOutcome, LeaseRequest, LiveLease, StopRecord, LeaseRegistry } from '../leases/lease-registry';
import type { Channel } from '../hub/channel';
import type { Hub } from '../hub/hub';
import { keysEqual } from '../hub/key-equality';
import type { Publication, Publisher } from '../hub/publication';
import type { Logger } from '../logging/logger';
import type { StreamTarget } from '../session/rtmp-commands/name-rules';
import type { AdmissionOutcome, PublishGate } from '../session/rtmp-commands/publish-gate';
import { type Admitted, AdmittedStreams } from './admitted-streams';
import type { KeyHash } from '../leases/key-hash';
import { TakeoverGuard } from './takeover-guard';
import { Turns } from './turns';

export interface AdmissionPolicy {
  /** A publisher with the same channel and key may replace the one that is there. */
  readonly takeover: boolean;
  /** How long a channel is held for a publisher that was lost (ms); 0: not at all. */
  readonly graceMs: number;
  /** What becomes of new publishes while the registry is away. */
  readonly withoutRegistry: 'accept' | 'reject';
}

export interface AdmissionOptions {
  readonly hub: Hub;
  readonly authorizer: PublishAuthorizer;
  readonly registry: LeaseRegistry;
  readonly policy: AdmissionPolicy;
  readonly keyHash: KeyHash;
  readonly log: Logger;
  /**
   * A stream goes on at another node: its channel has no publisher here, or one that is about to leave, and perhaps
   * players. Called again when that one has left.
   */
  orphaned(channel: Channel, publication: Publication): void;
  /** Why no new stream can begin on this node now; undefined when one can. */
  refusal(): string | undefined;
  /** Why there is no room for another stream now, although the node goes on; undefined when there is. */
  noRoom(): string | undefined;
}

/** The stream that a new publisher of the same key may replace. */
interface Incumbent {
  readonly session: string;
  /** The id to resume, when the stream is to go on; undefined when it is to be replaced by a new one. */
  readonly resume: string | undefined;
  /** The `jti` of the start that gave that id, where it is known. */
  readonly startJti: string | undefined;
  /** Its publisher is neither lost nor about to leave. */
  readonly isLive: boolean;
}

/** What becomes of a stream whose lease has moved. */
export interface MovedOrder {
  readonly session: string;
  /** The new holder goes on with the same stream. */
  readonly continues: boolean;
  /** Another node has taken this one for dead and sent the stop. */
  readonly stopIsSent: boolean;
}

/** A publisher whose stream goes on elsewhere is disconnected if it has not left after this long (ms). */
const LEAVE_MS = 10_000;

const TAKEN_OVER = 'Another publisher has taken this channel over';
const GOES_ON = 'The stream goes on at another node';

const ENDED_MEANWHILE: AdmissionOutcome = {
  accepted: false,
  final: false,
  reason: 'The stream was ended while the callback was asked, try again',
};
const CROWDED: AdmissionOutcome = {
  accepted: false,
  final: false,
  reason: 'Others are being decided on for this channel, try again soon',
};
const BUSY: AdmissionOutcome = { accepted: false, final: false, reason: 'Stream already publishing' };
/** Publishers wait so long for those before them to be decided on (ms). */
const MAX_WAIT_MS = 15_000;
/** Another node's decision is looked for again after this (ms). */
const LOOK_AGAIN_MS = 250;

const GONE: AdmissionOutcome = { accepted: false, final: false, reason: 'The publisher has gone' };

/**
 * Decides who publishes what, in this order: the channel's one place on this node, the fleet's lease on it, the start
 * callback, the lease again (it may have moved meanwhile), and only then the stream itself. Whatever fails gives back
 * what was taken before it.
 */
export class Admission implements PublishGate {
  readonly #options: AdmissionOptions;
  readonly #admitted = new AdmittedStreams();
  readonly #turns = new Turns();
  /** Channels with a publisher being decided on, and the order that came meanwhile. */
  readonly #deciding = new Map<string, MovedOrder | undefined>();
  /** Held streams whose time was up while somebody was being decided on who may continue them. */
  readonly #overdue = new Set<Admitted>();
  /** Streams whose end the registry is being told of. */
  readonly #ending = new Set<Promise<void>>();
  #closed = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  async admit(publisher: Publisher, stream: StreamTarget, signal: AbortSignal): Promise<AdmissionOutcome> {
    const { authorizer } = this.#options;
    // May take seconds, which is why nothing is reserved yet.
    const screened = authorizer.screen({ ...stream, clientIp: publisher.clientIp }, signal);
    const unwanted = screened instanceof Promise ? await screened : screened;
    if (unwanted !== undefined) return unwanted;
    if (signal.aborted) return GONE;
    const place = await this.#takePlace(publisher, stream, signal);
    if ('accepted' in place) return place;
    const channel = place;
    this.#deciding.set(channel.name, undefined);
    let outcome: AdmissionOutcome = BUSY;
    try {
      outcome = await this.#decide(publisher, channel, stream, signal);
    } finally {
      channel.change(() => this.#decided(channel, publisher));
      this.#turns.ended(channel.name);
    }
    // Another one may have taken its place in the very moment.
    return outcome.accepted && outcome.publication.publisher !== publisher ? BUSY : outcome;
  }

  leave(publisher: Publisher, publication: Publication, graceful: boolean): void {
    // Displaced publishers have nothing to end.
    if (publication.publisher !== publisher) return;
    this.#change(publication, (channel) => {
      const admitted = this.#admitted.find(publication.channel);
      if (admitted?.publication !== publication) {
        // The stream has gone on at another node already.
        channel.hold(publisher);
        this.#options.orphaned(channel, publication);
      } else if (graceful || this.#options.policy.graceMs === 0 || this.#closed) {
        this.#finish(admitted);
      } else {
        channel.hold(publisher);
        this.#hold(admitted);
      }
    });
  }

  /** The lease of a session moved to another: ends this node's copy, or lets it go on elsewhere. */
  moved(channelName: string, order: MovedOrder): void {
    const admitted = this.#admitted.find(channelName);
    if (admitted?.request.session !== order.session) return;
    if (this.#deciding.has(channelName)) {
      // Perhaps it moved to the publisher that is being let in here, which then sees to it itself.
      this.#deciding.set(channelName, order);
      return;
    }
    const { publication } = admitted;
    this.#change(publication, (channel) => {
      this.#forget(admitted);
      if (order.continues) {
        void this.#options.registry.forget(order.session);
        this.#letGo(channel, publication);
        return;
      }
      channel.end(publication, TAKEN_OVER);
      if (!order.stopIsSent) this.#sendStop(admitted);
    });
  }

  /** Once a second: whether streams that took their channels over still send. Milliseconds of a clock that never goes back. */
  tick(now: number): void {
    for (const { guard, request, publication } of this.#admitted) {
      // What it sends counts, not what players get: before its first keyframe that is nothing.
      const mediaAt = publication.publisher?.mediaAt;
      if (mediaAt === undefined || guard?.look(mediaAt, now) !== true) continue;
      void this.#options.registry.keep(request.channel, request.session, guard.keeps);
    }
  }

  /** A dead node's streams: their stops are this node's to send. */
  stopsClaimed(stops: readonly StopRecord[]): void {
    for (const { jti, ...stream } of stops) this.#options.authorizer.streamEnded({ ...stream, stopJti: jti });
  }

  /** What this node publishes, for a registry that has lost its memory. */
  leases(): LiveLease[] {
    return this.#admitted.leases(this.#options.keyHash);
  }

  /** Ends a stream that is held for its publisher; false when it is none. */
  endHeld(publication: Publication): boolean {
    const admitted = this.#admitted.find(publication.channel);
    if (admitted?.publication !== publication || admitted.state !== 'held') return false;
    this.#expire(admitted);
    return true;
  }

  /** Resolves when no channel is held for a publisher any more, at most after `timeoutMs`. */
  noneHeld(timeoutMs: number): Promise<void> {
    return this.#admitted.noneHeld(timeoutMs);
  }

  /**
   * Ends held channels at once: nobody can come back to a node that is going. Resolves when every ended stream's stop
   * is with the authorizer; the registry bounds how long that takes.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const admitted of this.#admitted.held()) this.#expire(admitted);
    await Promise.all(this.#ending);
  }

  /** Makes the publisher the one that is decided on, when its turn has come. */
  async #takePlace(
    publisher: Publisher,
    { channel: name, key }: StreamTarget,
    signal: AbortSignal,
  ): Promise<Channel | AdmissionOutcome> {
    const turns = this.#turns;
    const waitUntil = performance.now() + MAX_WAIT_MS;
    for (let hasTurn = false; ;) {
      const reason = this.#options.refusal() ?? this.#options.noRoom();
      let refusal: AdmissionOutcome | undefined;
      if (reason !== undefined) refusal = { accepted: false, final: false, reason };
      if (signal.aborted) refusal = GONE;
      if (refusal === undefined) {
        const channel = this.#options.hub.channel(name);
        const mayReplace = this.#mayReplace(channel.publication, key);
        if (channel.reserve(publisher, mayReplace)) {
          turns.begun(name, publisher.clientIp);
          return channel;
        }
        if (!mayReplace || !this.#deciding.has(name)) refusal = BUSY;
      }
      if (refusal !== undefined) {
        if (hasTurn) turns.ended(name);
        return refusal;
      }
      hasTurn = await turns.wait(name, publisher.clientIp, waitUntil - performance.now(), signal);
      if (!hasTurn) return signal.aborted ? GONE : CROWDED;
    }
  }

  #mayReplace(current: Publication | null, key: string): boolean {
    if (current === null) return true;
    // A relay's stream lives elsewhere: the lease decides.
    if (current.publisher?.isRelay === true) return true;
    if (!keysEqual(current.key, key)) return false;
    return current.publisher === null || this.#options.policy.takeover;
  }

  async #decide(
    publisher: Publisher,
    channel: Channel,
    stream: StreamTarget,
    signal: AbortSignal,
  ): Promise<AdmissionOutcome> {
    const { registry, authorizer, keyHash, log } = this.#options;
    const session = randomUUID();
    const hasGone = (): boolean => signal.aborted;
    const identity = { ...stream, clientIp: publisher.clientIp };
    let request: LeaseRequest = {
      channel: stream.channel,
      session,
      keyHash: keyHash.of(stream.key),
      startedAt: Date.now(),
      stop: { ...identity, jti: session, streamId: '', startJti: randomUUID() },
    };
    let outcome = await registry.acquire(request);
    const waitUntil = performance.now() + MAX_WAIT_MS;
    while (isBeingDecided(outcome) && !hasGone() && performance.now() < waitUntil) {
      await sleep(LOOK_AGAIN_MS);
      outcome = await registry.acquire(request);
    }
    if (outcome.kind === 'blocked') {
      return { accepted: false, final: true, reason: `Channel is blocked for ${outcome.seconds} s by the operator` };
    }
    const isAlone = outcome.kind === 'unavailable';
    if (isAlone) {
      const refusal = this.#refusalWithoutRegistry(channel);
      if (refusal !== undefined) {
        // The lease may have been taken all the same.
        void registry.abandon(stream.channel, session);
        return refusal;
      }
    }
    const incumbent =
      outcome.kind === 'busy' ? this.#incumbent(outcome, request) : isAlone ? this.#heldHere(channel) : undefined;
    if (outcome.kind === 'busy' && incumbent === undefined) return BUSY;
    if (hasGone()) {
      void registry.abandon(stream.channel, session);
      return GONE;
    }
    const resume = incumbent?.resume;
    if (incumbent !== undefined) await registry.announce(request);
    const { startJti } = request.stop;
    const asked = { ...identity, stopJti: session, startJti, ...(resume !== undefined && { resume }) };
    const decision = await authorizer.authorizeStart(asked, signal);
    if (!decision.accepted) {
      // What may still come of it is the authorizer's to settle, or another node's should this one die.
      if (decision.unsettled === true) this.#tellEnd(request, request.stop);
      else void registry.abandon(stream.channel, session);
      return decision;
    }
    const { grant } = decision;
    const continues = resume !== undefined && grant.streamId === resume;
    const began = continues ? incumbent?.startJti : undefined;
    request = { ...request, stop: { ...request.stop, streamId: grant.streamId, startJti: began ?? startJti } };
    const playKeyHash = keyHash.of(grant.playKey ?? stream.key);
    if (hasGone() && continues) {
      // The stream stays with the publisher that has it.
      void registry.abandon(stream.channel, session);
      return GONE;
    }
    const takesOver = isAlone ? this.#isLiveHere(channel.name) : incumbent?.isLive === true;
    const admitted = { request, grant, state: 'live' as const, ...(takesOver && { guard: new TakeoverGuard() }) };
    const live = { streamId: grant.streamId, playKeyHash };
    const leased = await this.#secureLease(request, live, isAlone ? undefined : incumbent, continues);
    if (leased !== 'yes' || hasGone()) {
      log.warning('publisher accepted but not let in', { channel: stream.channel, aborted: hasGone() });
      // An id that was to be continued, and did not come over, is the former publisher's to stop.
      if (leased === 'former has it') void registry.abandon(stream.channel, session);
      else this.#sendStop(admitted);
      return hasGone() ? GONE : this.#whyNot(request);
    }
    return { accepted: true, publication: this.#begin(publisher, channel, stream, admitted, continues) };
  }

  #refusalWithoutRegistry({ name, publication }: Channel): AdmissionOutcome | undefined {
    if (this.#options.policy.withoutRegistry === 'reject') {
      return { accepted: false, final: false, reason: 'The fleet registry cannot be reached' };
    }
    // This much can be known: another node still sends the stream of another publisher, or this one keeps its own.
    const keeps = this.#isLiveHere(name) && this.#admitted.find(name)?.guard?.keeps === true;
    return keeps || publication?.publisher?.isRelay === true ? BUSY : undefined;
  }

  /** The stream that holds the lease, when this publisher may replace it. */
  #incumbent({ lease, owner }: AcquireOutcome & { kind: 'busy' }, request: LeaseRequest): Incumbent | undefined {
    const { policy, keyHash } = this.#options;
    if (lease.state === 'starting' || !keyHash.matches(request.stop.key, lease.keyHash)) return undefined;
    const leaving = lease.state === 'held' || (owner.draining && policy.graceMs > 0);
    if (!leaving && (!policy.takeover || lease.keeps)) return undefined;
    const resume = policy.graceMs > 0 ? lease.streamId : undefined;
    const startJti = lease.startJti === '' ? undefined : lease.startJti;
    return { session: lease.session, resume, startJti, isLive: !leaving };
  }

  /** The stream that this very node holds for its publisher. */
  #heldHere({ name }: Channel): Incumbent | undefined {
    const admitted = this.#admitted.find(name);
    if (admitted?.state !== 'held') return undefined;
    const { session, stop } = admitted.request;
    return { session, resume: admitted.grant.streamId, startJti: stop.startJti, isLive: false };
  }

  #isLiveHere(channel: string): boolean {
    return this.#admitted.find(channel)?.state === 'live';
  }

  async #secureLease(
    request: LeaseRequest,
    live: { streamId: string; playKeyHash: string },
    incumbent: Incumbent | undefined,
    continues: boolean,
  ): Promise<'yes' | 'no' | 'former has it'> {
    const { registry } = this.#options;
    if (incumbent !== undefined) {
      const replaced = await registry.replace(request, incumbent.session, continues);
      if (replaced === false && continues) return 'former has it';
      if (replaced === undefined) return 'no';
      // The former publisher may have left by itself.
      if (!replaced && (await registry.acquire(request)).kind !== 'acquired') return 'no';
      // Before it is live, so that the one that it displaces cannot come between.
      if (replaced && incumbent.isLive) void registry.keep(request.channel, request.session, true);
    }
    return (await registry.confirm(request.channel, request.session, live)) ? 'yes' : 'no';
  }

  /** Why one that the handler has accepted was not let in. */
  async #whyNot({ channel, session }: LeaseRequest): Promise<AdmissionOutcome> {
    const found = await this.#options.registry.locate(channel);
    return found === undefined || found.lease.session === session ? ENDED_MEANWHILE : BUSY;
  }

  #begin(
    publisher: Publisher,
    channel: Channel,
    stream: StreamTarget,
    admitted: Omit<Admitted, 'publication'>,
    continues: boolean,
  ): Publication {
    const { grant } = admitted;
    const playKey = grant.playKey ?? stream.key;
    const begin = { key: stream.key, grant, admitsKey: (key: string) => keysEqual(key, playKey) };
    return channel.change(() => {
      const former = this.#admitted.find(stream.channel);
      if (former !== undefined) {
        this.#forget(former);
        if (continues) void this.#options.registry.forget(former.request.session);
        else this.#sendStop(former);
      }
      const current = channel.publication;
      // What another node still sends is better than nothing until there is a keyframe of the new publisher's.
      const gently = current?.publisher?.isRelay === true;
      const goesOn = continues && current !== null;
      const publication = goesOn ? channel.resume(publisher, begin, gently) : channel.begin(publisher, begin);
      this.#admitted.add({ ...admitted, publication });
      return publication;
    });
  }

  /** The publisher has been let in or not. */
  #decided(channel: Channel, publisher: Publisher): void {
    const deferred = this.#deciding.get(channel.name);
    this.#deciding.delete(channel.name);
    if (deferred !== undefined) this.moved(channel.name, deferred);
    const held = this.#admitted.find(channel.name);
    if (held !== undefined && this.#overdue.delete(held)) this.#expire(held);
    // After begin or resume the publisher is no candidate any more, and this leaves its stream alone.
    channel.withdraw(publisher);
  }

  /** Changes what there is of a stream, here and in its channel, before anybody hears of it. */
  #change({ channel: name }: Publication, steps: (channel: Channel) => void): void {
    const channel = this.#options.hub.channel(name);
    channel.change(() => steps(channel));
  }

  /** The publisher was lost and may come back. */
  #hold(admitted: Admitted): void {
    const { policy, registry, log } = this.#options;
    const { publication, request } = admitted;
    this.#admitted.hold(admitted, policy.graceMs, () => {
      if (this.#deciding.has(request.channel)) this.#overdue.add(admitted);
      else this.#expire(admitted);
    });
    log.request('publisher lost, channel held', { channel: request.channel, seconds: policy.graceMs / 1000 });
    void registry.hold(request.channel, request.session, publication.stream.latestTimestamp);
  }

  #expire(admitted: Admitted): void {
    this.#options.log.request('publisher did not come back', { channel: admitted.request.channel });
    this.#finish(admitted);
  }

  /** The stream goes on at another node: this one's publisher is done with it, its players are not. */
  #letGo(channel: Channel, publication: Publication): void {
    if (channel.publication !== publication) return;
    const { publisher } = publication;
    if (publisher !== null && this.#options.refusal() === undefined) {
      channel.hold(publisher, GOES_ON);
    } else if (publisher !== null) {
      // It was asked to connect anew, and sends its last frames here before its first ones there.
      setTimeout(() => {
        if (publication.publisher === publisher) publisher.displaced(GOES_ON);
      }, LEAVE_MS).unref();
    }
    this.#options.orphaned(channel, publication);
  }

  #forget(admitted: Admitted): void {
    this.#overdue.delete(admitted);
    this.#admitted.forget(admitted);
  }

  #finish(admitted: Admitted): void {
    this.#change(admitted.publication, (channel) => {
      this.#forget(admitted);
      channel.end(admitted.publication);
      this.#sendStop(admitted);
    });
  }

  /** The stop becomes pending in the registry and on its way to the handler. */
  #sendStop({ request, grant }: Pick<Admitted, 'request' | 'grant'>): void {
    const stop: StopRecord = { ...request.stop, streamId: grant.streamId };
    this.#tellEnd(request, stop, () => {
      const { jti, ...stream } = stop;
      this.#options.authorizer.streamEnded({ ...stream, stopJti: jti });
    });
  }

  /** The session's stop becomes pending in the registry; `isMine` is called if it is this node's to send. */
  #tellEnd({ channel, session }: LeaseRequest, stop: StopRecord, isMine?: () => void): void {
    const ending = this.#options.registry.end(channel, session, stop).then((mine) => {
      this.#ending.delete(ending);
      if (mine) isMine?.();
    });
    this.#ending.add(ending);
  }
}

/** Somebody else's start is out on another node: the channel may be free in a moment. */
function isBeingDecided(outcome: AcquireOutcome): boolean {
  return outcome.kind === 'busy' && outcome.lease.state === 'starting';
}
