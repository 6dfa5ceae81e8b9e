import { isEmptyPart } from '../publishing/asserted';
import { type ChannelLife, EMPTY_LIFE } from '../publishing/channel-life';
import type { DueStop, LifeEffect, LifeEvent, LifePolicy, Refusal, Step } from '../publishing/life-events';
import { type Doubt, LifeCopy, type StoredLife } from './life-copy';
import type { NodeEffect } from './life-store';
import { eventWithAbout } from './rewritten-about';

/** One compare-and-change of a channel's life. */
export interface Change {
  readonly channel: string;
  /** What the change starts from; undefined: nothing is stored. */
  readonly seen: StoredLife | undefined;
  readonly next: ChannelLife;
  /** Of all nodes. */
  readonly effects: readonly LifeEffect[];
  /** A member that is dead, and has no part in the life any more. Without effect if it has returned meanwhile. */
  readonly gone?: string;
  /** The operator's command that the change carries out. */
  readonly command?: string;
}

export type ChangeOutcome =
  /** `stored` is what was made of the change; undefined when nothing is kept. */
  | { readonly kind: 'changed'; readonly stored: StoredLife | undefined }
  /** Something else is stored by now; nothing was changed. */
  | { readonly kind: 'other'; readonly stored: StoredLife | undefined }
  /** The member that was to be gone is alive; nothing was changed. */
  | { readonly kind: 'alive' }
  /** A later release, or no node at all, has written what is stored; nothing was changed. */
  | { readonly kind: 'unreadable' }
  /** It may have been carried out, but will not be any more. */
  | { readonly kind: 'unanswered' };

/** What the lives of a node need of the registry, and of the node. */
export interface LivesSurroundings {
  /** As in `Start.node`. */
  readonly member: string;
  readonly policy: LifePolicy;
  readonly step: (life: ChannelLife, event: LifeEvent, policy: LifePolicy) => Step<ChannelLife>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How long another node has to report that its publisher, who seems to have the channel too, has gone (ms). */
  readonly contestMs: number;
  /** Whether it is worth asking the registry. */
  readonly isUp: () => boolean;
  /** Calls back once. Mail that was there before is delivered first. */
  readonly change: (change: Change, done: (outcome: ChangeOutcome) => void) => void;
  /** Which of these members are surely dead. */
  readonly dead: (members: readonly string[], done: (dead: readonly string[]) => void) => void;
  /** Calls back after a short time that grows with the round. */
  readonly later: (round: number, act: () => void) => void;
  readonly perform: (channel: string, effects: readonly NodeEffect[]) => void;
  readonly refusalAlone: (channel: string) => Refusal | undefined;
  /** A stop is due that this node has to deliver. `isStored`: the registry has it. */
  readonly stopDue: (channel: string, stop: DueStop, isStored: boolean) => void;
}

interface Task {
  /** Undefined: only what the node has is to be asserted. */
  event: LifeEvent | undefined;
  readonly done: (isStored: boolean) => void;
  readonly command?: string;
  /** It is not known yet what is to be done; what comes after it waits. */
  readonly decide?: (decided: (events: readonly LifeEvent[]) => void) => void;
  hasLooked?: boolean;
  /** The registry was asked to carry it out. */
  wasSent?: boolean;
}

interface Entry {
  readonly copy: LifeCopy;
  readonly tasks: Task[];
  isBusy: boolean;
  /** When this node's publisher was first seen to have lost the channel to one who did not know of it. */
  contestedAt?: number | undefined;
}

/** After so many other changes in between, the registry counts as unavailable for the channel. */
const MAX_ROUNDS = 30;

/**
 * The lives of the channels in which one node has a part: changes each in the registry, one event at a time, and without
 * the registry its own copy of it. A copy that may differ from what is stored is asserted before anything else.
 */
export class NodeLives {
  readonly #entries = new Map<string, Entry>();
  readonly #about: LivesSurroundings;

  constructor(surroundings: LivesSurroundings) {
    this.#about = surroundings;
  }

  /** Channels in which this node has a part. */
  get channels(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** What this node knows of the channel; undefined when it has no part in it. */
  find(channel: string): ChannelLife | undefined {
    return this.#entries.get(channel)?.copy.life;
  }

  /** Channels whose stored lives may differ from this node's. */
  get unsettled(): readonly string[] {
    return [...this.#entries].filter(([, { copy }]) => copy.isUnsettled).map(([channel]) => channel);
  }

  /** Events of one channel are applied in the order of the calls. `done`: `false` if the registry does not have it. */
  apply(channel: string, event: LifeEvent, done: (isStored: boolean) => void = () => undefined): void {
    this.#add(channel, { event, done });
  }

  /**
   * An operator's command was heard: what comes to the channel after it waits until it is decided what it means.
   */
  command(
    channel: string,
    text: string,
    decide: (decided: (events: readonly LifeEvent[], done: () => void) => void) => void,
  ): void {
    this.#add(channel, {
      event: undefined,
      done: () => undefined,
      decide: (decided) =>
        decide((events, done) => {
          const entry = this.#entries.get(channel);
          const last = events.length - 1;
          entry?.tasks.unshift(
            ...events.map((event, at): Task => ({ event, command: text, done: at === last ? done : () => undefined })),
          );
          if (last < 0) done();
          decided(events);
        }),
    });
  }

  /**
   * The registry may have lost data, or others may have taken this node for dead; or it is compared without a reason.
   *
   * @param stored channels in which this node has a part as the registry has it, which may be an earlier state
   */
  doubt(doubt: Doubt, stored: readonly string[] = []): void {
    for (const channel of stored) this.#entries.set(channel, this.#entry(channel));
    for (const { copy } of this.#entries.values()) copy.doubt(doubt);
  }

  /** Asserts what this node has of the channel, if that may differ from what is stored. */
  settle(channel: string, done: (isStored: boolean) => void): void {
    this.#add(channel, { event: undefined, done });
  }

  /** Writes what the callbacks have to say in another way, and asserts it: not before what is under way is done. */
  rewrite(about: (text: string, channel: string) => string): void {
    for (const [channel, entry] of this.#entries) {
      const ofChannel = (text: string): string => about(text, channel);
      entry.copy.rewrite(ofChannel);
      for (const task of entry.tasks) if (task.event) task.event = eventWithAbout(task.event, ofChannel);
    }
  }

  /** Another node's step has effects for this one. */
  mail(channel: string, stored: StoredLife | undefined, effects: readonly NodeEffect[]): void {
    const entry = this.#entry(channel);
    const heard = entry.copy.hear(stored, effects);
    this.#keep(channel, entry);
    if (heard.length > 0) this.#about.perform(channel, heard);
  }

  #add(channel: string, task: Task): void {
    const entry = this.#entry(channel);
    this.#entries.set(channel, entry);
    entry.tasks.push(task);
    if (!entry.isBusy) this.#next(channel, entry);
  }

  #entry(channel: string): Entry {
    return this.#entries.get(channel) ?? { copy: new LifeCopy(this.#about.member), tasks: [], isBusy: false };
  }

  #next(channel: string, entry: Entry): void {
    const task = entry.tasks.shift();
    entry.isBusy = task !== undefined;
    if (task) this.#start(channel, entry, task);
    else this.#keep(channel, entry);
  }

  #finish(channel: string, entry: Entry, task: Task, isStored: boolean): void {
    task.done(isStored);
    this.#next(channel, entry);
  }

  #start(channel: string, entry: Entry, task: Task): void {
    const sooner = goneBefore(entry, task);
    if (sooner) this.#start(channel, entry, sooner);
    else if (task.decide) task.decide(() => this.#next(channel, entry));
    else if (!this.#about.isUp()) this.#withoutRegistry(channel, entry, task);
    else if (entry.copy.isUnsettled) this.#assert(channel, entry, task);
    else if (task.event) this.#change(channel, entry, task, task.event, 1);
    else this.#finish(channel, entry, task, true);
  }

  #assert(channel: string, entry: Entry, task: Task): void {
    const { member, now } = this.#about;
    const { copy } = entry;
    copy.assert();
    const event: LifeEvent = { kind: 'asserted', node: member, part: copy.part, now: now() };
    const settled: Task = {
      event,
      done: (isStored) => {
        // The registry answers; it is asserted again later.
        if (isStored && copy.own && !task.event) this.#finish(channel, entry, task, true);
        else if (isStored && copy.own) this.#withoutRegistry(channel, entry, task);
        else if (isStored && task.event) this.#change(channel, entry, task, task.event, 1);
        else if (isStored) this.#finish(channel, entry, task, true);
        else this.#withoutRegistry(channel, entry, task);
      },
    };
    this.#change(channel, entry, settled, event, 1);
  }

  #change(channel: string, entry: Entry, task: Task, event: LifeEvent, round: number): void {
    const { step, policy, change, later } = this.#about;
    const { copy } = entry;
    const seen = copy.stored;
    // What the node asserts is read again in each round: mail may have changed it.
    const current = event.kind === 'asserted' ? { ...event, part: copy.part } : event;
    const { life: next, effects } = step(seen?.life ?? EMPTY_LIFE, current, policy);
    if (this.#mustLook(channel, entry, task, event, next, effects)) return;
    if (event.kind === 'asserted' && this.#mustWait(entry, effects)) {
      task.done(true);
      return;
    }
    const gone = event.kind === 'nodeDead' ? { gone: event.node } : {};
    const command = task.command === undefined ? {} : { command: task.command };
    const isAssertion = event.kind === 'asserted';
    const before = copy.own;
    task.wasSent = true;
    copy.sent();
    change({ channel, seen, next, effects, ...gone, ...command }, (outcome) => {
      switch (outcome.kind) {
        case 'changed':
          copy.stored = outcome.stored;
          this.#carryOut(channel, effects, true);
          if (!isAssertion) {
            copy.changed();
            this.#finish(channel, entry, task, true);
          } else if (copy.own !== before) {
            // Mail that was older than the change has changed the copy.
            this.#change(channel, entry, task, event, round + 1);
          } else {
            copy.settled();
            entry.contestedAt = undefined;
            task.done(true);
          }
          return;
        case 'other': {
          const isLost = copy.found(outcome.stored) && !isAssertion;
          if (round >= MAX_ROUNDS) {
            this.#fail(channel, entry, task, isAssertion);
            return;
          }
          if (isLost) later(0, () => this.#start(channel, entry, task));
          else later(round, () => this.#change(channel, entry, task, event, round + 1));
          return;
        }
        case 'alive':
          this.#finish(channel, entry, task, false);
          return;
        case 'unreadable':
          if (event.kind === 'come') this.#refuse(channel, event.candidate.publish, { why: 'busy' });
          if (isAssertion) copy.discard();
          this.#finishEither(channel, entry, task, isAssertion, false);
          return;
        case 'unanswered':
          if (!isAssertion) copy.unanswered(seen);
          this.#fail(channel, entry, task, isAssertion);
      }
    });
  }

  #fail(channel: string, entry: Entry, task: Task, isAssertion: boolean): void {
    if (isAssertion) task.done(false);
    else this.#withoutRegistry(channel, entry, task);
  }

  #finishEither(channel: string, entry: Entry, task: Task, isAssertion: boolean, isStored: boolean): void {
    if (isAssertion) task.done(isStored);
    else this.#finish(channel, entry, task, isStored);
  }

  /** Whether a publisher of this node would end for another one of whom it is not sure that he is still there. */
  #mustWait(entry: Entry, effects: readonly LifeEffect[]): boolean {
    const { member, now, contestMs } = this.#about;
    const isLost = effects.some((effect) => effect.kind === 'replaced' && effect.conflict && effect.node === member);
    if (!isLost) return false;
    entry.contestedAt ??= now();
    return now() - entry.contestedAt < contestMs;
  }

  /** Before somebody is kept out or waiting because of another node, this node makes sure that it is alive. */
  #mustLook(
    channel: string,
    entry: Entry,
    task: Task,
    event: LifeEvent,
    next: ChannelLife,
    effects: readonly LifeEffect[],
  ): boolean {
    const { member, dead, now } = this.#about;
    if (event.kind !== 'come' || task.hasLooked || !entry.copy.stored) return false;
    const { publish } = event.candidate;
    const isRefused = effects.some((effect) => effect.kind === 'refuse' && effect.publish === publish);
    const waits = next.waiting.some((candidate) => candidate.publish === publish);
    if (!isRefused && !waits) return false;
    const { stream, out } = entry.copy.stored.life;
    const others = [stream?.node, out?.node].filter((node) => node !== undefined && node !== member) as string[];
    if (others.length === 0) return false;
    task.hasLooked = true;
    dead([...new Set(others)], (gone) => {
      entry.tasks.unshift(
        ...gone.map((node): Task => ({ event: { kind: 'nodeDead', node, now: now() }, done: () => undefined })),
        task,
      );
      this.#next(channel, entry);
    });
    return true;
  }

  #withoutRegistry(channel: string, entry: Entry, task: Task): void {
    const { event } = task;
    const sooner = goneBefore(entry, task);
    if (sooner) {
      this.#withoutRegistry(channel, entry, sooner);
      return;
    }
    if (!event || event.kind === 'nodeDead') {
      this.#finish(channel, entry, task, false);
      return;
    }
    const refusal = event.kind === 'come' ? this.#about.refusalAlone(channel) : undefined;
    if (event.kind === 'come' && refusal && !task.wasSent && !entry.copy.own) {
      this.#refuse(channel, event.candidate.publish, refusal);
      this.#finish(channel, entry, task, false);
      return;
    }
    if (entry.copy.goAlone()) this.#alone(channel, entry, { kind: 'alone', node: this.#about.member });
    if (event.kind === 'come' && refusal) this.#refuse(channel, event.candidate.publish, refusal);
    else this.#alone(channel, entry, event);
    this.#finish(channel, entry, task, false);
  }

  #alone(channel: string, { copy }: Entry, event: LifeEvent): void {
    const { step, policy } = this.#about;
    const due = copy.alone((life) => step(life, event, policy));
    this.#carryOut(channel, due, false);
  }

  #carryOut(channel: string, effects: readonly LifeEffect[], isStored: boolean): void {
    const { member, perform, stopDue } = this.#about;
    const own: NodeEffect[] = [];
    for (const effect of effects) {
      if (effect.kind === 'stop') stopDue(channel, effect.stop, isStored);
      else if (effect.node === member) own.push(effect);
    }
    if (own.length > 0) perform(channel, own);
  }

  #refuse(channel: string, publish: string, refusal: Refusal): void {
    this.#about.perform(channel, [{ kind: 'refuse', node: this.#about.member, publish, refusal }]);
  }

  /** Remembers the channel only while this node has a part in it, or the registry may think so. */
  #keep(channel: string, entry: Entry): void {
    const { copy, isBusy } = entry;
    if (isBusy || copy.isUnsettled || !isEmptyPart(copy.part)) this.#entries.set(channel, entry);
    else this.#entries.delete(channel);
  }
}

/**
 * The departure of the publisher whose answer is about to be applied, if it waits behind the answer: it goes first, and
 * the answer waits in its place. Otherwise a publisher that has gone would end the one before it.
 */
function goneBefore({ tasks }: Entry, task: Task): Task | undefined {
  const { event } = task;
  if (event?.kind !== 'answered') return undefined;
  const at = tasks.findIndex((each) => each.event?.kind === 'gone' && each.event.publish === event.start.publish);
  if (at < 0) return undefined;
  const [gone] = tasks.splice(at, 1, task);
  return gone;
}
