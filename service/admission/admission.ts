import { randomUUID } from 'node:crypto';
import { addressGroup } from '../addresses/address-group';
import type { PublishAuthorizer, PublishDecision } from '../auth/publish-authorizer';
import type { Channel } from '../hub/channel';
import type { Hub } from '../hub/hub';
import type { Publication } from '../hub/publication';
import type { Publisher } from '../hub/publisher';
import type { KeyHash } from '../leases/key-hash';
import type { LifeStore, NodeEffect } from '../leases/life-store';
import type { Logger } from '../logging/logger';
import type { Start } from '../publishing/channel-life';
import type { Answer, LifeEvent, Refusal } from '../publishing/life-events';
import type { StreamTarget } from '../session/rtmp-commands/name-rules';
import type { AdmissionOutcome, PublishGate } from '../session/rtmp-commands/publish-gate';
import { type Attempt, BUSY, CROWDED, GONE, outcomeOf, refusal } from './attempt';
import { type FleetEnd, LocalStreams } from './local-streams';
import type { Span } from '../tracing/span';

export interface AdmissionPolicy {
  /** How long a channel is held for a publisher that lost its connection (ms); 0: not at all. */
  readonly graceMs: number;
  /** What happens to new publishers while the store of lives is unavailable. */
  readonly withoutRegistry: 'accept' | 'reject';
}

export interface AdmissionOptions {
  readonly hub: Hub;
  readonly authorizer: PublishAuthorizer;
  readonly store: LifeStore;
  readonly policy: AdmissionPolicy;
  readonly keyHash: KeyHash;
  readonly log: Logger;
  /**
   * A stream continues on another node. Its channel may have players here, and a publisher that is about to disconnect;
   * called again when that publisher has disconnected.
   */
  orphaned(channel: Channel, publication: Publication): void;
  /** The fleet is about to end a stream here, for this reason. */
  ends(publication: Publication, why: FleetEnd, reason: string): void;
  /** Two nodes had one channel, and the publisher on this node ends. */
  conflict(): void;
  /** Why no new stream can begin on this node now; undefined when one can. */
  refusal(): string | undefined;
  /** Why there is no room for another stream now, although the node keeps running; undefined when there is room. */
  noRoom(): string | undefined;
}

/** How long a publisher waits for the decisions on earlier publishers of its channel (ms). */
const MAX_WAIT_MS = 15_000;

/**
 * Does on this node what the machine of service/publishing decides, and tells it what happens to this node's publishers.
 * What becomes of a publish is written there, see ChannelLife, and nowhere else.
 */
export class Admission implements PublishGate {
  readonly #options: AdmissionOptions;
  readonly #streams: LocalStreams;
  /** By publish. */
  readonly #attempts = new Map<string, Attempt>();
  /** Events that are being applied. */
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#streams = new LocalStreams({
      ...options,
      graceMs: options.policy.graceMs,
      apply: (channel, event) => void this.#apply(channel, event),
    });
  }

  async admit(publisher: Publisher, stream: StreamTarget, signal: AbortSignal, span?: Span): Promise<AdmissionOutcome> {
    const { authorizer } = this.#options;
    // May take seconds, so nothing is known of the publisher yet.
    const screened = authorizer.screen({ ...stream, clientIp: publisher.clientIp }, signal);
    const unwanted = screened instanceof Promise ? await screened : screened;
    if (unwanted !== undefined) return unwanted;
    if (signal.aborted) return GONE;
    const reason = this.#options.refusal() ?? this.#options.noRoom();
    if (reason !== undefined) return refusal(reason);
    const outcome = await this.#decide(publisher, stream, signal, span);
    // Another publisher may have replaced it already.
    return outcome.accepted && outcome.publication.publisher !== publisher ? BUSY : outcome;
  }

  leave(publisher: Publisher, publication: Publication, graceful: boolean): void {
    this.#streams.leave(publisher, publication, graceful);
  }

  /** Carries out what a step means for this node. */
  perform(channel: string, effects: readonly NodeEffect[]): void {
    this.#options.hub.channel(channel).change(() => {
      // A publisher that has gone meanwhile takes nobody's place here: the one before it has to end by itself.
      const letsIn = effects.some((effect) => effect.kind === 'letIn' && this.#attempts.has(effect.publish));
      for (const effect of effects) this.#perform(channel, effect, letsIn);
    });
  }

  /** The store is unavailable: why nobody may come to the channel; undefined when publishers may. */
  refusalAlone(channel: string): Refusal | undefined {
    const { hub, policy } = this.#options;
    if (policy.withoutRegistry === 'reject') return { why: 'unreachable' };
    // Known without the store: a relay still gets a stream from another node.
    return hub.find(channel)?.publication?.publisher?.isRelay === true ? { why: 'busy' } : undefined;
  }

  stopsDue(): void {
    this.#options.authorizer.stopsDue();
  }

  /** Checks once a second whether publishers that took their channels over still send; `now` is monotonic (ms). */
  tick(now: number): void {
    this.#streams.tick(now);
  }

  /** Keeps with the stream what operators ordered of its outputs, so that it goes along to another node. */
  ordered(publication: Publication, orders: string): void {
    this.#streams.ordered(publication, orders);
  }

  /** Whether the stream is held for its publisher. */
  isHeld(publication: Publication): boolean {
    return this.#streams.isHeld(publication);
  }

  /** Ends a stream that is held for its publisher. */
  endHeld(publication: Publication): void {
    this.#streams.endHeld(publication);
  }

  /** Resolves when no channel is held for a publisher any more, at most after `timeoutMs`. */
  noneHeld(timeoutMs: number): Promise<void> {
    return this.#streams.noneHeld(timeoutMs);
  }

  /**
   * Ends held channels at once: no publisher can reconnect to a node that is stopping. Resolves when every ended
   * stream's stop is due; the store limits how long that takes.
   */
  async close(): Promise<void> {
    this.#streams.close();
    await Promise.all(this.#underWay);
  }

  #decide(
    publisher: Publisher,
    stream: StreamTarget,
    signal: AbortSignal,
    span: Span | undefined,
  ): Promise<AdmissionOutcome> {
    const { store, keyHash } = this.#options;
    const { channel, key, query } = stream;
    const { clientIp } = publisher;
    return new Promise((resolve) => {
      const publish = randomUUID();
      const settle = (outcome: AdmissionOutcome): void => {
        this.#attempts.delete(publish);
        signal.removeEventListener('abort', onGone);
        clearTimeout(timer);
        resolve(outcome);
      };
      const giveUp = (outcome: AdmissionOutcome): void => {
        settle(outcome);
        void this.#apply(channel, { kind: 'gone', publish });
      };
      const onGone = (): void => giveUp(GONE);
      const asked = (): void => clearTimeout(timer);
      const attempt: Attempt = { publish, publisher, stream, signal, span, asked, settle };
      const timer = setTimeout(() => giveUp(CROWDED), MAX_WAIT_MS);
      this.#attempts.set(publish, attempt);
      signal.addEventListener('abort', onGone, { once: true });
      const about = store.about({ channel, key, clientIp, query });
      const start = { publish, node: store.member, startJti: randomUUID(), about };
      const candidate = { ...start, keyHash: keyHash.of(channel, key), group: addressGroup(clientIp) };
      void this.#apply(channel, { kind: 'come', candidate, now: Date.now() });
    });
  }

  #perform(channel: string, effect: NodeEffect, letsIn: boolean): void {
    switch (effect.kind) {
      case 'ask':
        void this.#ask(channel, effect.start);
        return;
      case 'refuse': {
        const attempt = this.#attempts.get(effect.publish);
        attempt?.settle(outcomeOf(effect.refusal, attempt.failure));
        return;
      }
      case 'letIn':
        this.#letIn(channel, effect);
        return;
      case 'replaced':
        if (effect.conflict) this.#options.conflict();
        this.#streams.replaced(channel, effect, letsIn);
        return;
      case 'ended':
        this.#streams.ended(channel, effect);
        return;
      case 'grace':
        this.#streams.setGrace(channel, effect);
    }
  }

  async #ask(channel: string, start: Start): Promise<void> {
    const { authorizer } = this.#options;
    const attempt = this.#attempts.get(start.publish);
    const stopExpected = authorizer.expectStop();
    const answered = async (decision: PublishDecision): Promise<void> => {
      const answer = this.#answerOf(decision, channel, attempt);
      await this.#apply(channel, { kind: 'answered', start, answer, now: Date.now() });
      if (answer.kind !== 'late') stopExpected();
    };
    if (attempt === undefined) {
      // It has gone before it was its turn.
      await answered(GONE_UNASKED);
      return;
    }
    attempt.asked();
    const { stream, publisher, signal, span } = attempt;
    const { startJti, resume } = start;
    const request = { ...stream, clientIp: publisher.clientIp, startJti, resume, span };
    await answered(await authorizer.authorizeStart(request, signal, (decision) => void answered(decision)));
  }

  /** What a decision is for the machine. */
  #answerOf(decision: PublishDecision, channel: string, attempt: Attempt | undefined): Answer {
    if (!decision.accepted) {
      const { unsettled, final, reason } = decision;
      if (attempt !== undefined) attempt.failure = reason;
      return unsettled === undefined ? { kind: 'refused', final, reason } : { kind: unsettled };
    }
    const { grant } = decision;
    if (attempt !== undefined) attempt.grant = grant;
    const playKey = grant.playKey ?? attempt?.stream.key ?? '';
    return { kind: 'accepted', streamId: grant.streamId, playKeyHash: this.#options.keyHash.of(channel, playKey) };
  }

  #letIn(channel: string, effect: NodeEffect & { readonly kind: 'letIn' }): void {
    const { store, log } = this.#options;
    const { publish } = effect;
    const attempt = this.#attempts.get(publish);
    if (attempt?.grant === undefined) {
      log.warning('publisher accepted but not let in', { channel, aborted: true });
      void this.#apply(channel, { kind: 'left', publish });
      return;
    }
    const publication = this.#streams.begin(attempt, attempt.grant, effect);
    attempt.settle({ accepted: true, publication });
    const isLeaving = this.#options.refusal() !== undefined;
    if (isLeaving) void this.#apply(channel, { kind: 'draining', node: store.member });
  }

  #apply(channel: string, event: LifeEvent): Promise<void> {
    const applied = this.#options.store.apply(channel, event).then(() => void this.#underWay.delete(applied));
    this.#underWay.add(applied);
    return applied;
  }
}

const GONE_UNASKED: PublishDecision = { accepted: false, final: false, reason: 'The publisher has gone' };
