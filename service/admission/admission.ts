import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PublishAuthorizer } from '../auth/publish-authorizer';
import type { StopRecord } from '../auth/stop-record';
import type { AcquireOutcome, LeaseRequest, LiveLease, LeaseRegistry } from '../leases/lease-registry';
import type { Channel } from '../hub/channel';
import type { Hub } from '../hub/hub';
import { keysEqual } from '../hub/key-equality';
import type { LiveStream } from '../hub/live-stream';
import type { Publication, Publisher, StreamGrant } from '../hub/publication';
import type { Logger } from '../logging/logger';
import type { StreamTarget } from '../session/rtmp-commands/name-rules';
import type { AdmissionOutcome, PublishGate } from '../session/rtmp-commands/publish-gate';
import { type Admitted, AdmittedStreams } from './admitted-streams';
import type { KeyHash } from '../leases/key-hash';
import type { Span } from '../tracing/span';
import { TakeoverGuard } from './takeover-guard';
import { Turns } from './turns';

export interface AdmissionPolicy {
  /** A publisher with the same channel and key may replace the current publisher. */
  readonly takeover: boolean;
  /** How long a channel is held for a publisher that lost its connection (ms); 0: not at all. */
  readonly graceMs: number;
  /** What happens to new publishes while the registry is unavailable. */
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
   * A stream continues on another node. Its channel may have players here, and a publisher that is about to disconnect;
   * called again when that publisher has disconnected.
   */
  orphaned(channel: Channel, publication: Publication): void;
  /** Why no new stream can begin on this node now; undefined when one can. */
  refusal(): string | undefined;
  /** Why there is no room for another stream now, although the node keeps running; undefined when there is room. */
  noRoom(): string | undefined;
}

/** The stream that a new publisher of the same key may replace. */
interface Incumbent {
  readonly publishId: string;
  /** The id under which the stream may be resumed; undefined when a new stream replaces it. */
  readonly resume: string | undefined;
  /** The `jti` of the start callback that returned that id, where it is known. */
  readonly startJti: string | undefined;
  /** When its first publisher came (ms since the epoch), if known. */
  readonly beganAt: number | undefined;
  /** Its publisher is connected, and its node is not draining. */
  readonly isLive: boolean;
}

/** What happens to a stream whose lease has moved. */
export interface MovedOrder {
  readonly publishId: string;
  /** The new holder continues the same stream. */
  readonly continues: boolean;
  /** Another node has declared this node dead and sent the stop. */
  readonly stopIsSent: boolean;
}

/** A publisher whose stream continues on another node is disconnected if it has not left after this long (ms). */
const LEAVE_MS = 10_000;

const TAKEN_OVER = 'Another publisher has taken this channel over';
const COUNTED_AS_DEAD = 'The fleet could not reach this node and ended the stream, publish again';
const GOES_ON = 'The stream continues on another node';

const ENDED_MEANWHILE: AdmissionOutcome = {
  accepted: false,
  final: false,
  reason: 'The stream was ended while the callback was asked, try again',
};
const CROWDED: AdmissionOutcome = {
  accepted: false,
  final: false,
  reason: 'Other publishers of this channel are waiting for a decision, try again soon',
};
const BUSY: AdmissionOutcome = { accepted: false, final: false, reason: 'Stream already publishing' };
/** How long a publisher waits for the decisions on earlier publishers of its channel (ms). */
const MAX_WAIT_MS = 15_000;
/** How often the registry is asked whether another node has decided (ms). */
const LOOK_AGAIN_MS = 250;
/** Longest time between two looks at where a stream is whose move was not answered (ms). */
const MAX_SETTLE_DELAY_MS = 5_000;

const GONE: AdmissionOutcome = { accepted: false, final: false, reason: 'The publisher has gone' };

/**
 * Decides who may publish a channel, in this order: the channel is reserved on this node, the fleet's lease on it is
 * acquired, the start callback is asked, the lease is confirmed (it may have moved meanwhile), and the stream begins. A
 * step that fails releases what the steps before it acquired.
 */
export class Admission implements PublishGate {
  readonly #options: AdmissionOptions;
  readonly #admitted = new AdmittedStreams();
  readonly #turns = new Turns();
  /** Channels with a publisher being decided on, each with the order that arrived meanwhile. */
  readonly #deciding = new Map<string, MovedOrder | undefined>();
  /** Held streams whose grace time ended while a publisher that may resume them was being decided on. */
  readonly #overdue = new Set<Admitted>();
  /** Requests that report the end of streams to the registry. */
  readonly #ending = new Set<Promise<void>>();
  #closed = false;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  async admit(publisher: Publisher, stream: StreamTarget, signal: AbortSignal, span?: Span): Promise<AdmissionOutcome> {
    const { authorizer } = this.#options;
    // May take seconds, so nothing is reserved yet.
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
      outcome = await this.#decide(publisher, channel, stream, signal, span);
    } finally {
      channel.change(() => this.#decided(channel, publisher));
      this.#turns.ended(channel.name);
    }
    // Another publisher may have replaced it already.
    return outcome.accepted && outcome.publication.publisher !== publisher ? BUSY : outcome;
  }

  leave(publisher: Publisher, publication: Publication, graceful: boolean): void {
    // Displaced publishers have nothing to end.
    if (publication.publisher !== publisher) return;
    this.#change(publication, (channel) => {
      const admitted = this.#admitted.find(publication.channel);
      if (admitted?.publication !== publication) {
        // The stream continues on another node already.
        channel.hold(publisher);
        publication.stream.clearCache();
        this.#options.orphaned(channel, publication);
      } else if (graceful || this.#options.policy.graceMs === 0 || this.#closed) {
        this.#finish(admitted);
      } else {
        channel.hold(publisher);
        this.#hold(admitted);
      }
    });
  }

  /** A publish's lease moved to another publish: ends the stream here, or leaves it to the node that continues it. */
  moved(channelName: string, order: MovedOrder): void {
    const admitted = this.#admitted.find(channelName);
    if (admitted?.request.publishId !== order.publishId) return;
    if (this.#deciding.has(channelName)) {
      // The lease may have moved to the publisher that is being decided on here, whose admission then handles this.
      this.#deciding.set(channelName, order);
      return;
    }
    const { publication } = admitted;
    const { publisher } = publication;
    this.#change(publication, (channel) => {
      this.#forget(admitted);
      if (order.continues) {
        void this.#options.registry.forget(order.publishId);
        this.#letGo(channel, publication);
        return;
      }
      channel.end(publication, order.stopIsSent ? undefined : TAKEN_OVER);
      if (!order.stopIsSent) this.#sendStop(admitted);
    });
    // Nobody else need have the channel: the publisher may return.
    if (order.stopIsSent) publisher?.kill(COUNTED_AS_DEAD);
  }

  /** Checks once a second whether publishers that took their channels over still send; `now` is monotonic (ms). */
  tick(now: number): void {
    for (const { guard, request, publication } of this.#admitted) {
      // Counts sent media, not what players get: before the first keyframe players get nothing.
      const mediaAt = publication.publisher?.mediaAt;
      if (mediaAt === undefined || guard?.look(mediaAt, now) !== true) continue;
      void this.#options.registry.keep(request.channel, request.publishId, guard.keeps);
    }
  }

  /** This node has to send the stops of a dead node's streams. */
  stopsClaimed(stops: readonly StopRecord[]): void {
    for (const stop of stops) this.#options.authorizer.streamEnded(stop);
  }

  /** The leases of this node's streams, for a registry that has lost its data. */
  leases(): LiveLease[] {
    return this.#admitted.leases(this.#options.keyHash);
  }

  /** Ends a stream that is held for its publisher; false when the stream is not held. */
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
   * Ends held channels at once: no publisher can reconnect to a node that is stopping. Resolves when every ended
   * stream's stop has been passed to the authorizer; the registry limits how long that takes.
   */
  async close(): Promise<void> {
    this.#closed = true;
    for (const admitted of this.#admitted.held()) this.#expire(admitted);
    await Promise.all(this.#ending);
  }

  /** Waits for the publisher's turn and reserves the channel for it. */
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
    // A relay's stream is published on another node: the lease decides.
    if (current.publisher?.isRelay === true) return true;
    if (!keysEqual(current.key, key)) return false;
    return current.publisher === null || this.#options.policy.takeover;
  }

  async #decide(
    publisher: Publisher,
    channel: Channel,
    stream: StreamTarget,
    signal: AbortSignal,
    span: Span | undefined,
  ): Promise<AdmissionOutcome> {
    const { registry, authorizer, keyHash, log } = this.#options;
    const publishId = randomUUID();
    const hasGone = (): boolean => signal.aborted;
    const identity = { ...stream, clientIp: publisher.clientIp };
    const now = Date.now();
    let request: LeaseRequest = {
      channel: stream.channel,
      publishId,
      keyHash: keyHash.of(stream.channel, stream.key),
      startedAt: now,
      stop: { ...identity, jti: publishId, streamId: '', startJti: randomUUID(), beganAt: now },
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
        // The registry may have granted the lease although its answer was lost.
        void registry.abandon(stream.channel, publishId);
        return refusal;
      }
    }
    const incumbent =
      outcome.kind === 'busy' ? this.#incumbent(outcome, request) : isAlone ? this.#heldHere(channel) : undefined;
    if (outcome.kind === 'busy' && incumbent === undefined) return BUSY;
    if (hasGone()) {
      void registry.abandon(stream.channel, publishId);
      return GONE;
    }
    const resume = incumbent?.resume;
    if (incumbent !== undefined) await registry.announce(request);
    const { startJti } = request.stop;
    const asked = { ...identity, stopJti: publishId, startJti, span, ...(resume !== undefined && { resume }) };
    const decision = await authorizer.authorizeStart(asked, signal);
    if (!decision.accepted) {
      // The handler may have accepted: the authorizer sends the stop, or another node if this node dies.
      if (decision.unsettled === true) this.#tellEnd(request, request.stop);
      else void registry.abandon(stream.channel, publishId);
      return decision;
    }
    const { grant } = decision;
    const continues = resume !== undefined && grant.streamId === resume;
    const former = continues ? incumbent : undefined;
    const began = { startJti: former?.startJti ?? startJti, beganAt: former?.beganAt ?? request.startedAt };
    request = { ...request, stop: { ...request.stop, ...began, streamId: grant.streamId } };
    const playKeyHash = keyHash.of(stream.channel, grant.playKey ?? stream.key);
    if (hasGone() && continues) {
      // The stream stays with the publisher that has it.
      void registry.abandon(stream.channel, publishId);
      return GONE;
    }
    const takesOver = isAlone ? this.#isLiveHere(channel.name) : incumbent?.isLive === true;
    const admitted = { request, grant, state: 'live' as const, ...(takesOver && { guard: new TakeoverGuard() }) };
    const live = { streamId: grant.streamId, playKeyHash };
    const leased = await this.#secureLease(request, live, isAlone ? undefined : incumbent, continues);
    if (leased !== 'yes' || hasGone()) {
      log.warning('publisher accepted but not let in', { channel: stream.channel, aborted: hasGone() });
      // If the stream was not moved here, the former publisher sends the stop for its id.
      if (leased === 'former has it') void registry.abandon(stream.channel, publishId);
      else if (leased === 'unknown') this.#settleMove(admitted);
      else this.#sendStop(admitted);
      return hasGone() ? GONE : this.#whyNot(request);
    }
    return { accepted: true, publication: this.#begin(publisher, channel, stream, admitted, continues) };
  }

  #refusalWithoutRegistry({ name, publication }: Channel): AdmissionOutcome | undefined {
    if (this.#options.policy.withoutRegistry === 'reject') {
      return { accepted: false, final: false, reason: 'The fleet registry cannot be reached' };
    }
    // Known without the registry: a relay still gets a stream from another node, or this node's stream keeps the
    // channel.
    const keeps = this.#isLiveHere(name) && this.#admitted.find(name)?.guard?.keeps === true;
    return keeps || publication?.publisher?.isRelay === true ? BUSY : undefined;
  }

  /** The stream that holds the lease, when this publisher may replace it. */
  #incumbent({ lease, owner }: AcquireOutcome & { kind: 'busy' }, request: LeaseRequest): Incumbent | undefined {
    const { policy, keyHash } = this.#options;
    if (lease.state === 'starting' || !keyHash.matches(request.channel, request.stop.key, lease.keyHash))
      return undefined;
    const leaving = lease.state === 'held' || (owner.draining && policy.graceMs > 0);
    if (!leaving && (!policy.takeover || lease.keeps)) return undefined;
    const resume = policy.graceMs > 0 ? lease.streamId : undefined;
    const startJti = lease.startJti === '' ? undefined : lease.startJti;
    return { publishId: lease.publishId, resume, startJti, beganAt: lease.beganAt, isLive: !leaving };
  }

  /** The stream that this node holds for its publisher. */
  #heldHere({ name }: Channel): Incumbent | undefined {
    const admitted = this.#admitted.find(name);
    if (admitted?.state !== 'held') return undefined;
    const { publishId, stop } = admitted.request;
    const { startJti, beganAt } = stop;
    return { publishId, resume: admitted.grant.streamId, startJti, beganAt, isLive: false };
  }

  #isLiveHere(channel: string): boolean {
    return this.#admitted.find(channel)?.state === 'live';
  }

  async #secureLease(
    request: LeaseRequest,
    live: { streamId: string; playKeyHash: string },
    incumbent: Incumbent | undefined,
    continues: boolean,
  ): Promise<'yes' | 'no' | 'former has it' | 'unknown'> {
    const { registry } = this.#options;
    if (incumbent !== undefined) {
      const replaced = await registry.replace(request, incumbent.publishId, continues);
      if (replaced === false && continues) return 'former has it';
      if (replaced === undefined) return continues ? 'unknown' : 'no';
      // The former publisher may have left meanwhile.
      if (!replaced && (await registry.acquire(request)).kind !== 'acquired') return 'no';
      // Set before the stream is live, so that the displaced publisher cannot take the channel back first.
      if (replaced && incumbent.isLive) void registry.keep(request.channel, request.publishId, true);
    }
    return (await registry.confirm(request.channel, request.publishId, live)) ? 'yes' : 'no';
  }

  /**
   * The registry did not say whether the stream moved to this publisher, who was refused. The former publisher may have
   * it still, so the stop of its id is only sent when the registry says that it does not.
   */
  #settleMove(admitted: Pick<Admitted, 'request' | 'grant'>): void {
    const { registry } = this.#options;
    const { channel, publishId } = admitted.request;
    const settle = async (): Promise<void> => {
      for (let delayMs = LOOK_AGAIN_MS; ; delayMs = Math.min(2 * delayMs, MAX_SETTLE_DELAY_MS)) {
        const found = await registry.locate(channel);
        if (found?.lease.publishId === publishId) {
          this.#sendStop(admitted);
          return;
        }
        // Without the registry there are no nodes either, not even this one.
        const isKnown = found !== undefined || (await registry.nodes()).length > 0;
        if (isKnown || this.#closed) return registry.abandon(channel, publishId);
        await sleep(delayMs * (0.5 + Math.random() / 2), undefined, { ref: false });
      }
    };
    void settle();
  }

  /** Why a publisher that the handler has accepted was refused. */
  async #whyNot({ channel, publishId }: LeaseRequest): Promise<AdmissionOutcome> {
    const found = await this.#options.registry.locate(channel);
    return found === undefined || found.lease.publishId === publishId ? ENDED_MEANWHILE : BUSY;
  }

  #begin(
    publisher: Publisher,
    channel: Channel,
    stream: StreamTarget,
    admitted: Omit<Admitted, 'publication'>,
    continues: boolean,
  ): Publication {
    const playKey = admitted.grant.playKey ?? stream.key;
    return channel.change(() => {
      const former = this.#admitted.find(stream.channel);
      if (former !== undefined) {
        this.#forget(former);
        if (continues) void this.#options.registry.forget(former.request.publishId);
        else this.#sendStop(former);
      }
      const current = channel.publication;
      // Until the new publisher's first keyframe, players keep getting the stream that another node still sends.
      const gently = current?.publisher?.isRelay === true;
      const goesOn = continues && current !== null;
      const grant = continues ? withAge(admitted, goesOn ? current.stream : undefined) : admitted.grant;
      const begin = { key: stream.key, grant, admitsKey: (key: string) => keysEqual(key, playKey) };
      const publication = goesOn ? channel.resume(publisher, begin, gently) : channel.begin(publisher, begin);
      this.#admitted.add({ ...admitted, publication });
      return publication;
    });
  }

  /** The publisher was accepted or refused. */
  #decided(channel: Channel, publisher: Publisher): void {
    const deferred = this.#deciding.get(channel.name);
    this.#deciding.delete(channel.name);
    if (deferred !== undefined) this.moved(channel.name, deferred);
    const held = this.#admitted.find(channel.name);
    if (held !== undefined && this.#overdue.delete(held)) this.#expire(held);
    // After `begin` or `resume` the publisher is no candidate any more, and this does not affect its stream.
    channel.withdraw(publisher);
  }

  /** Changes a stream's state here and in its channel, before anybody is notified. */
  #change({ channel: name }: Publication, steps: (channel: Channel) => void): void {
    const channel = this.#options.hub.channel(name);
    channel.change(() => steps(channel));
  }

  /** The publisher lost its connection and may reconnect. */
  #hold(admitted: Admitted): void {
    const { policy, registry, log } = this.#options;
    const { publication, request } = admitted;
    this.#admitted.hold(admitted, policy.graceMs, () => {
      if (this.#deciding.has(request.channel)) this.#overdue.add(admitted);
      else this.#expire(admitted);
    });
    log.request('publisher lost, channel held', { channel: request.channel, seconds: policy.graceMs / 1000 });
    void registry.hold(request.channel, request.publishId, publication.stream.latestTimestamp);
  }

  #expire(admitted: Admitted): void {
    this.#options.log.request('publisher did not come back', { channel: admitted.request.channel });
    this.#finish(admitted);
  }

  /** The stream continues on another node: its publisher here is no longer needed, its players stay. */
  #letGo(channel: Channel, publication: Publication): void {
    if (channel.publication !== publication) return;
    // Later viewers must not get frames from before the move and then jump to the present.
    publication.stream.clearCache();
    const { publisher } = publication;
    if (publisher !== null && this.#options.refusal() === undefined) {
      channel.hold(publisher, GOES_ON);
    } else if (publisher !== null) {
      // It was asked to reconnect, and sends its last frames here before it publishes on the other node.
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

  /** Stores the stop in the registry as pending, and sends it to the handler. */
  #sendStop({ request, grant }: Pick<Admitted, 'request' | 'grant'>): void {
    const stop: StopRecord = { ...request.stop, streamId: grant.streamId };
    this.#tellEnd(request, stop, () => this.#options.authorizer.streamEnded(stop));
  }

  /** Stores the publish's stop in the registry as pending; calls `isMine` if this node has to send it. */
  #tellEnd({ channel, publishId }: LeaseRequest, stop: StopRecord, isMine?: () => void): void {
    const ending = this.#options.registry.end(channel, publishId, stop).then((mine) => {
      this.#ending.delete(ending);
      if (mine) isMine?.();
    });
    this.#ending.add(ending);
  }
}

/** Another node is asking its handler about a start: the channel may be free soon. */
function isBeingDecided(outcome: AcquireOutcome): boolean {
  return outcome.kind === 'busy' && outcome.lease.state === 'starting';
}

/** The grant of a stream that continues here, with how long it was live before `stream` began. */
function withAge({ grant, request }: Omit<Admitted, 'publication'>, stream: LiveStream | undefined): StreamGrant {
  const { beganAt = request.startedAt } = request.stop;
  const hereMs = stream === undefined ? 0 : performance.now() - stream.startedAt;
  return { ...grant, liveElsewhereMs: Math.max(0, Date.now() - beganAt - hereMs) };
}
