import { type ChannelLife, type HandedId, isOver, type Start } from '../../../../service/publishing/channel-life';
import type { DueStop, LifeEffect, LifeEvent, Refusal } from '../../../../service/publishing/life-events';
import { MAX_WAITING } from '../../../../service/publishing/turns';
import type { ActiveStream, HandlerAnswer, ModelHandler, Question } from './model-handler';
import { GRACE_MS, type LocalStream, type ModelNode, type Publisher } from './model-node';
import type { ModelStorage } from './model-storage';
import type { VirtualTime } from './virtual-time';

interface OperatorsWord {
  readonly kind: 'kill' | 'close' | 'block' | 'unblock';
  readonly at: number;
  readonly until?: number;
}

/** A message arrives within this time (ms), unless the registry is in trouble. */
const ON_ITS_WAY_MS = 200;
/** After a node that was taken for dead has returned, it has asserted what it has within this time. */
const RETURN_MS = 5_000;

/** Looks on from outside, and objects to what must not happen: see the messages. */
export class Judge {
  readonly faults: string[] = [];
  /** Everything that happened, to find the cause of a fault. */
  readonly history: string[] = [];
  /** Stops that have reached the handler, each once. */
  readonly delivered: DueStop[] = [];
  isClosed = false;
  /** Until then an outage of the registry may have an effect: two publishers, a stop for one that is live. */
  #troubledUntil = 0;
  /** Starts whose stops may be lost: only a node that has died knew of them, or the registry before it lost its data. */
  readonly #mayBeLost = new Set<string>();
  #hasLostData = false;
  /** Starts that were over, of which nobody knows any more: the registry lost the record, or the letter to their node. */
  readonly #forgottenEnds = new Set<string>();
  /** As the registry last had them, by publish. */
  readonly #ids = new Map<string, HandedId>();
  /** When publishes were let in, starts accepted, by `jti`, and ids stopped, by channel and id. */
  readonly #letInAt = new Map<string, number>();
  readonly #acceptedAt = new Map<string, number>();
  readonly #stoppedAt = new Map<string, number>();
  readonly #publishers = new Map<string, Publisher>();
  /** When the registry first heard of a publish. */
  readonly #came = new Map<string, number>();
  readonly #nodes: ModelNode[] = [];
  /** Since when publishes are over whose node has not heard it yet. */
  readonly #untold = new Map<string, number>();
  readonly #buried = new Set<string>();
  readonly #words = new Map<string, OperatorsWord[]>();
  /** By the start that each belongs to. */
  readonly #stops = new Map<string, DueStop>();
  readonly #asked = new Map<string, Question>();
  /** Questions that are out and have not had their time yet, by channel. */
  readonly #open = new Map<string, Question>();
  /** How long each held stream has waited for its publisher while nobody was asked about (ms), and since when. */
  readonly #held = new Map<string, { from: number; waitedMs: number; since: number | undefined }>();
  /** When each id was let in first. */
  readonly #since = new Map<string, number>();

  constructor(
    private readonly time: VirtualTime,
    private readonly handler: ModelHandler,
  ) {}

  watch(node: ModelNode): void {
    this.#nodes.push(node);
  }

  connects(publisher: Publisher): void {
    this.#publishers.set(publisher.publish, publisher);
    this.#note(`${publisher.publish} connects to ${publisher.channel}, key ${publisher.rightKey ? 'right' : 'wrong'}`);
  }

  publisher(publish: string): Publisher {
    return this.#publishers.get(publish)!;
  }

  buried(incarnation: string): void {
    this.#note(`${incarnation} is taken for dead`);
    this.#buried.add(incarnation);
  }

  /** One that was perhaps taken for dead is there again. */
  returned(incarnation: string): void {
    if (!this.#buried.delete(incarnation)) return;
    this.#note(`${incarnation} returns`);
    this.troubled(this.time.now + RETURN_MS);
  }

  died(node: ModelNode): void {
    this.#note(`${node.incarnation} is killed`);
    // What it could not tell the registry went with it.
    if (this.#isTroubled) this.#loseOf(node);
  }

  troubled(until: number): void {
    this.#note(`the registry is in trouble until ${Math.round(until)}`);
    this.#troubledUntil = Math.max(this.#troubledUntil, until);
  }

  /**
   * Nodes that live have what the registry had, apart from what dead nodes had left there.
   *
   * @param lives as the registry had them; `kept`: as it has them from now on
   */
  lostData(until: number, lives: Iterable<ChannelLife>, kept: Iterable<ChannelLife>, stops: Iterable<DueStop>): void {
    this.troubled(until);
    this.#hasLostData = true;
    this.#forgetEnds(lives, kept);
    for (const { startJti } of stops) this.#mayBeLost.add(startJti);
    for (const { stream, out, late } of lives) {
      for (const each of [stream, out, ...late]) {
        if (each && this.#isGone(each.node)) this.#lose('id' in each ? each.id : each);
      }
      // Only the registry knew of a stream that ended while a start was out, and which starts belonged to one stream.
      if (out?.inherited) this.#lose(out.inherited);
      for (const { startJti } of stream?.id.later ?? []) this.#mayBeLost.add(startJti);
    }
    for (const node of this.#nodes) if (this.#isGone(node.incarnation)) this.#loseOf(node);
  }

  /** The registry need not know any more that the handler has it. */
  isForgotten(channel: string, { streamId, startJti }: ActiveStream): boolean {
    if (this.#mayBeLost.has(startJti)) return true;
    // Nodes that are alone cannot tell two streams with one id apart: their stop may name another start, and a start that
    // was to continue a stream may have begun one.
    if (this.handler.rules.ids !== 'stable' || this.#troubledUntil === 0) return false;
    if (this.#asked.get(startJti)?.start.resume !== undefined) return true;
    return (this.#stoppedAt.get(`${channel} ${streamId}`) ?? 0) > (this.#acceptedAt.get(startJti) ?? 0);
  }

  #forgetEnds(lives: Iterable<ChannelLife>, kept: Iterable<ChannelLife>): void {
    const claimedIn = (each: Iterable<ChannelLife>): string[] =>
      [...each].flatMap(({ claimed = [] }) => claimed.map(({ publish }) => publish));
    const remembered = new Set(claimedIn(kept));
    const forgotten = claimedIn(lives).filter((publish) => !remembered.has(publish));
    for (const publish of [...forgotten, ...this.#untold.keys()])
      this.#forgottenEnds.add(this.#ids.get(publish)?.startJti ?? `start-${publish}`);
  }

  #isGone(incarnation: string): boolean {
    return (
      this.#buried.has(incarnation) || !this.#nodes.some((node) => node.incarnation === incarnation && node.isAlive)
    );
  }

  #loseOf(node: ModelNode): void {
    for (const { start } of this.#asked.values()) if (start.node === node.incarnation) this.#lose(start);
    for (const { publish, id } of node.streams.values()) this.#lose(this.#ids.get(publish) ?? id);
  }

  #lose({ startJti, later = [] }: Pick<HandedId, 'startJti' | 'later'>): void {
    for (const start of [{ startJti }, ...later]) this.#mayBeLost.add(start.startJti);
  }

  due(channel: string, stop: DueStop): void {
    this.#note(`${channel}: stop ${stop.jti} is due`);
  }

  settled(channel: string, start: Start): void {
    if (this.#open.get(channel)?.start.publish === start.publish) this.#open.delete(channel);
  }

  get #isTroubled(): boolean {
    return this.time.now < this.#troubledUntil;
  }

  stepped(
    channel: string,
    before: ChannelLife,
    event: LifeEvent | undefined,
    after: ChannelLife,
    effects: readonly LifeEffect[],
  ): void {
    this.#note(
      `${channel}: ${event ? describe(event) : 'a change'} -> ${describeLife(after)} ${effects.map(describeEffect).join(', ')}`,
    );
    this.#followGrace(after, effects);
    if (after.stream) this.#ids.set(after.stream.publish, after.stream.id);
    const served = after.stream?.id.startJti ?? '';
    const isExcused = this.#mayBeLost.has(served) || this.#forgottenEnds.has(served);
    if (after.stream && this.#stops.has(served) && !isExcused)
      this.#objectUnlessTroubled(`${after.stream.publish} is served although its stream was stopped`);
    if (event?.kind === 'kill' || event?.kind === 'close' || event?.kind === 'block' || event?.kind === 'unblock') {
      const words = this.#words.get(channel) ?? [];
      words.push({ kind: event.kind, at: this.time.now, ...(event.kind === 'block' && { until: event.until }) });
      this.#words.set(channel, words);
    }
    if (event?.kind === 'come') this.#came.set(event.candidate.publish, this.time.now);
    for (const effect of effects) {
      if (effect.kind === 'replaced' || effect.kind === 'ended') this.#untold.set(effect.publish, this.time.now);
      if (effect.kind === 'refuse') this.#checkRefusal(channel, before, after, effect.publish, effect.refusal);
    }
  }

  told(effect: LifeEffect): void {
    if (effect.kind === 'replaced' || effect.kind === 'ended') this.#untold.delete(effect.publish);
  }

  asked(question: Question): void {
    this.#note(
      `asks about ${question.start.publish}${question.start.resume === undefined ? '' : ', offers ' + question.start.resume}`,
    );
    this.#asked.set(question.start.startJti, question);
    // A node that was taken for dead may wake in the moment before it asks.
    if (this.#buried.has(question.start.node)) return;
    const { startJti } = question.start;
    if (this.#stops.has(startJti) && !this.#forgottenEnds.has(startJti))
      this.#object(`asks with a start that was stopped: ${question.start.publish}`);
    const other = this.#open.get(question.channel);
    if (other !== undefined && !this.#buried.has(other.start.node))
      this.#objectUnlessTroubled('two starts of one channel are out at once');
    this.#open.set(question.channel, question);
  }

  answered({ start }: Question, answer: HandlerAnswer): void {
    if (answer.accepted) this.#acceptedAt.set(start.startJti, this.time.now);
    this.#note(`handler: ${start.publish} ${answer.accepted ? `accepted as ${answer.streamId}` : 'refused'}`);
  }

  letIn(node: ModelNode, channel: string, stream: LocalStream): void {
    this.#note(`${node.incarnation} lets ${stream.publish} in as ${stream.id.streamId}`);
    this.#letInAt.set(stream.publish, this.time.now);
    // One that was taken for dead serves what it has until it hears of it.
    if (this.#buried.has(node.incarnation)) return;
    // Who was replaced before his node heard that it may let him in has the channel for one moment.
    const isReplaced = this.#isUntold(stream.publish);
    for (const { on, other } of isReplaced ? [] : this.#streamsOf(channel)) {
      if (other.publish !== stream.publish && !this.#isUntold(other.publish)) {
        this.#objectUnlessTroubled(
          `${stream.publish} is let in on ${node.name} while ${other.publish} is ${other.state} on ${on.name}`,
        );
      }
    }
    const handed = this.handler.handed.get(stream.id.startJti);
    // With the registry's data it may be lost which start an id that is continued came from.
    const isKnown = [...this.handler.handed.values()].some(
      (other) => other.channel === channel && other.streamId === stream.id.streamId,
    );
    if (handed?.streamId !== stream.id.streamId && !(this.#hasLostData && isKnown))
      this.#object(`${stream.publish} has an id that was not handed out`);
    const cameAt = this.#came.get(stream.publish) ?? 0;
    const words = (this.#words.get(channel) ?? []).filter(({ kind, at }) => kind === 'kill' && at > cameAt);
    if (words.length > 0 && !this.#isUntold(stream.publish))
      this.#objectUnlessTroubled(`${stream.publish} is let in after a kill`);
    if (this.#isBlocked(channel) && !this.#isUntold(stream.publish))
      this.#objectUnlessTroubled(`${stream.publish} is let in although blocked`);
    const since = this.#since.get(stream.id.startJti) ?? stream.id.since;
    if (since !== stream.id.since) this.#objectUnlessTroubled(`the time of ${stream.id.streamId} begins again`);
    this.#since.set(stream.id.startJti, since);
  }

  stopSent(channel: string, stop: DueStop): void {
    this.#note(`stop ${stop.jti} of ${stop.startJti} ${stop.streamId} is sent`);
    for (const { on, other } of this.#streamsOf(channel)) {
      const isIts =
        stop.startJti === other.id.startJti && (stop.streamId === '' || stop.streamId === other.id.streamId);
      if (isIts && !this.#isUntold(other.publish)) {
        this.#objectUnlessTroubled(
          `a stop for ${stop.streamId || stop.startJti}, which is ${other.state} on ${on.name}`,
        );
      }
    }
    const earlier = this.#stops.get(stop.startJti);
    if (earlier !== undefined && earlier.jti !== stop.jti) this.#object(`two stops for ${stop.startJti}`);
    this.#stops.set(stop.startJti, stop);
  }

  stopArrived(channel: string, stop: DueStop): void {
    this.#note(`handler of ${channel}: stop ${stop.jti}`);
    this.#stoppedAt.set(`${channel} ${stop.streamId}`, this.time.now);
    if (!this.delivered.some(({ jti }) => jti === stop.jti)) this.delivered.push(stop);
  }

  /** Nobody is connected any more, and there was time for everything. */
  quiet(storage: ModelStorage): void {
    for (const [channel, active] of this.handler.active) {
      if (this.isForgotten(channel, active)) continue;
      this.#object(`the handler still has ${active.streamId} (${active.startJti}) on ${channel}`);
    }
    for (const [channel, { life }] of storage.lives) {
      // Publishes of dead nodes are remembered for longer.
      if (!isOver({ ...life, claimed: [] }, this.time.now)) this.#object(`left of ${channel}: ${describeLife(life)}`);
    }
    if (storage.stops.size > 0) this.#object('stops are left');
    for (const node of this.#nodes) {
      if (node.streams.size > 0) this.#object(`${node.name} still serves something`);
      if (node.isAlive && node.candidates.size > 0) this.#object(`${node.name} has publishers nobody decided on`);
    }
    if (this.handler.rules.ids === 'stable') return;
    for (const [startJti, { streamId }] of this.handler.handed) {
      if (!this.#stops.has(startJti) && !this.#mayBeLost.has(startJti))
        this.#object(`no stop for ${streamId || startJti}`);
    }
  }

  mustBeLive(publisher: Publisher, when: string): void {
    if (publisher.outcome !== 'letIn')
      this.#object(`${publisher.publish} is not let in ${when}: ${publisher.outcome ?? 'no answer'}`);
  }

  #isBlocked(channel: string): boolean {
    const last = (this.#words.get(channel) ?? []).filter(({ kind }) => kind === 'block' || kind === 'unblock').at(-1);
    // Nodes' clocks may differ by some seconds.
    return last?.kind === 'block' && (last.until ?? 0) > this.time.now + 5_000;
  }

  /** Its node cannot have heard yet that it is over. */
  #isUntold(publish: string): boolean {
    const since = this.#untold.get(publish);
    if (since === undefined) return false;
    const { isAsleep, wokeAt } = this.publisher(publish).node;
    return isAsleep || this.time.now - Math.max(since, wokeAt) < ON_ITS_WAY_MS;
  }

  *#streamsOf(channel: string): Generator<{ on: ModelNode; other: LocalStream }> {
    for (const on of this.#nodes) {
      const other = on.streams.get(channel);
      // Of a node that was taken for dead nothing is promised.
      if (other !== undefined && !this.#buried.has(on.incarnation)) yield { on, other };
    }
  }

  #followGrace({ stream, out }: ChannelLife, effects: readonly LifeEffect[]): void {
    const { now } = this.time;
    for (const effect of effects) {
      if (effect.kind !== 'ended' || effect.why !== 'notBack') continue;
      const { from = now, waitedMs = 0, since = now } = this.#held.get(effect.publish) ?? {};
      // Its clocks may have heard of a change late.
      if (this.publisher(effect.publish).node.wokeAt >= from) continue;
      // The node's clock and the registry's messages are not exact.
      if (waitedMs + now - since < GRACE_MS - 200)
        this.#objectUnlessTroubled(`${effect.publish} had less than its grace time`);
    }
    if (stream?.state !== 'held') return;
    const held = this.#held.get(stream.publish) ?? this.#heldAlone(stream.publish);
    if (out !== undefined && held.since !== undefined) {
      this.#held.set(stream.publish, { ...held, waitedMs: held.waitedMs + now - held.since, since: undefined });
    } else if (out === undefined) this.#held.set(stream.publish, { ...held, since: held.since ?? now });
  }

  /** Without the registry its clock has run since the publisher was let in and lost. */
  #heldAlone(publish: string): { from: number; waitedMs: number; since: undefined } {
    const { now } = this.time;
    const lostAt = Math.max(this.publisher(publish).endedAt ?? now, this.#letInAt.get(publish) ?? now);
    return { from: now, waitedMs: now - lostAt, since: undefined };
  }

  #checkRefusal(channel: string, before: ChannelLife, after: ChannelLife, publish: string, refusal: Refusal): void {
    const words = this.#words.get(channel) ?? [];
    const cameAt = this.#came.get(publish) ?? 0;
    const isTrue = {
      busy: () => after.stream !== undefined && after.stream.publish !== publish,
      unreachable: () => false,
      crowded: () => before.waiting.length >= MAX_WAITING,
      killed: () => words.some(({ kind, at }) => (kind === 'kill' || kind === 'close') && at >= cameAt),
      blocked: () => words.some(({ kind, until = 0 }) => kind === 'block' && until >= this.time.now - 5_000),
      noAnswer: () => this.#asked.has(`start-${publish}`),
      refused: () => this.#asked.has(`start-${publish}`) && !this.handler.handed.has(`start-${publish}`),
    };
    if (!isTrue[refusal.why]())
      this.#objectUnlessTroubled(`${publish} is refused as ${refusal.why}, which is not true`);
  }

  /** A fault that an outage of the registry may cause. */
  #objectUnlessTroubled(fault: string): void {
    if (!this.#isTroubled) this.#object(fault);
    else this.#note(`(in trouble: ${fault})`);
  }

  #object(fault: string): void {
    this.faults.push(`${Math.round(this.time.now)} ms: ${fault}`);
  }

  #note(what: string): void {
    this.history.push(`${String(Math.round(this.time.now)).padStart(7)} ${what}`);
  }
}

function describe(event: LifeEvent): string {
  if (event.kind === 'come') return `${event.candidate.publish} comes`;
  if (event.kind === 'answered') return `${event.start.publish} is answered ${JSON.stringify(event.answer)}`;
  return Object.values(event).join(' ');
}

function describeLife({ stream, out, late, waiting }: ChannelLife): string {
  const parts = [
    stream && `${stream.state} ${stream.publish} as ${stream.id.streamId}`,
    out &&
      `out ${out.publish}${out.abandoned ? ' abandoned' : ''}${out.inherited ? ` inherits ${out.inherited.streamId}` : ''}`,
    late.length > 0 && `late ${late.map(({ publish }) => publish).join()}`,
    waiting.length > 0 && `waiting ${waiting.map(({ publish }) => publish).join()}`,
  ];
  return `[${parts.filter(Boolean).join('; ')}]`;
}

function describeEffect(effect: LifeEffect): string {
  if (effect.kind === 'stop') return `stop ${effect.stop.jti} ${effect.stop.streamId}`;
  if (effect.kind === 'ask') return `ask ${effect.start.publish}`;
  if (effect.kind === 'refuse') return `refuse ${effect.publish} ${effect.refusal.why}`;
  if (effect.kind === 'grace') return `grace ${effect.publish} ${effect.runs ? 'runs' : 'stands'}`;
  return `${effect.kind} ${effect.publish}`;
}
