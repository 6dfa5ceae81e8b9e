import { partOf } from '../publishing/asserted';
import { type ChannelLife, EMPTY_LIFE } from '../publishing/channel-life';
import { startOfId } from '../publishing/handed-ids';
import type { LifeEffect, LifePart, Step } from '../publishing/life-events';
import { told } from '../publishing/told';
import type { NodeEffect } from './life-store';
import { withAbout } from './rewritten-about';

/** A life as the registry has it. */
export interface StoredLife {
  /** Unique for all time. */
  readonly version: string;
  readonly life: ChannelLife;
}

/** Why what is stored may differ from what a node knows: the registry has lost data, or they are compared anyway. */
export type Doubt = 'loss' | 'comparison';

/** What one node knows of a channel's life: as the registry has it, and its own copy while the two may differ. */
export class LifeCopy {
  /** As the registry had it when this node last heard of it. */
  stored: StoredLife | undefined;
  readonly #member: string;
  #own: ChannelLife | undefined;
  /** Others' parts have been left out of the copy. */
  #isAlone = false;
  /**
   * Stops of streams that this node has taken from other nodes without the registry. Those nodes cannot have heard of it,
   * and may serve the streams: whether a stop is due shows when this node asserts what it has.
   */
  readonly #foreign = new Set<string>();
  #doubt: Doubt | undefined;
  /** Writes what the callbacks have to say in another way, with the next assertion. */
  #about: ((text: string) => string) | undefined;
  /** What this node has heard while a change was on its way. */
  #heard: NodeEffect[] = [];

  constructor(member: string) {
    this.#member = member;
  }

  /** This node's own copy, while it may differ from what is stored. */
  get own(): ChannelLife | undefined {
    return this.#own;
  }

  get life(): ChannelLife {
    return this.#own ?? this.stored?.life ?? EMPTY_LIFE;
  }

  /** What of the life is this node's. */
  get part(): LifePart {
    return partOf(this.life, this.#member);
  }

  get isUnsettled(): boolean {
    return this.#own !== undefined || this.#doubt !== undefined || this.#about !== undefined;
  }

  doubt(doubt: Doubt): void {
    if (this.#doubt !== 'loss') this.#doubt = doubt;
  }

  rewrite(about: (text: string) => string): void {
    this.#about = about;
  }

  /**
   * Another node's step has effects for this one.
   *
   * @returns those that this node has to carry out
   */
  hear(stored: StoredLife | undefined, letter: readonly NodeEffect[]): readonly NodeEffect[] {
    // This node may have been taken for dead after the letter was written, and the start stopped: it asserts first.
    const isOld = this.#doubt !== undefined && letter.some(({ kind }) => kind === 'ask');
    const effects = isOld ? letter.filter(({ kind }) => kind !== 'ask') : letter;
    if (isOld) this.#own ??= this.life;
    this.#heard.push(...effects);
    // Nobody tells of a change that the registry has lost: what this node had before is asserted.
    const mine: ChannelLife = { ...EMPTY_LIFE, ...this.part };
    if (!this.#own && this.#differs(toldAll(mine, effects), stored?.life)) this.#own = this.life;
    if (!this.#own) {
      this.stored = stored;
      return effects;
    }
    const heard: NodeEffect[] = [];
    for (const effect of effects) {
      const next: ChannelLife | undefined = told(this.#own, effect);
      if (next === undefined) continue;
      this.#own = next;
      heard.push(effect);
    }
    return heard;
  }

  /** What this node has is about to be asserted. */
  assert(): void {
    const life = this.#about ? withAbout(this.life, this.#about) : this.life;
    this.#own = this.#doubt === 'loss' ? { ...life, isDoubted: true } : life;
    this.#about = undefined;
    this.#doubt = undefined;
  }

  /** The registry has what was asserted. */
  settled(): void {
    this.#own = undefined;
    this.#isAlone = false;
    this.#foreign.clear();
  }

  /** The copy cannot be asserted. */
  discard(): void {
    this.#own = undefined;
  }

  /** A change is on its way to the registry. */
  sent(): void {
    this.#heard = [];
  }

  /**
   * The registry has carried out the change of an event. A change that others made before was undone with the registry's
   * data, or this node's would not have been carried out: what this node has heard and done since is asserted.
   */
  changed(): void {
    const stored = this.stored?.life ?? EMPTY_LIFE;
    const own = toldAll(stored, this.#heard);
    this.#own = own === stored ? undefined : own;
  }

  /** It is not known whether the registry has carried out a change: mail may show what came of it. */
  unanswered(seen: StoredLife | undefined): void {
    this.#own ??= toldAll(seen?.life ?? EMPTY_LIFE, this.#heard);
  }

  /**
   * The registry has another life than this node believed.
   *
   * @returns whether it lacks what this node has in it: others tell this node of each change to its part, and their mail
   * is delivered first
   */
  found(stored: StoredLife | undefined): boolean {
    const isLost = this.#own !== undefined || this.#differs(this.stored?.life, stored?.life);
    if (isLost) this.#own ??= this.life;
    this.stored = stored;
    return isLost;
  }

  /** The registry does not answer. False if this node has left others' parts out of its copy already. */
  goAlone(): boolean {
    if (this.#isAlone) return false;
    this.#own = this.life;
    this.#isAlone = true;
    return true;
  }

  /** Applies a step to the copy; what is to be carried out without the registry. */
  alone(step: (life: ChannelLife) => Step<ChannelLife>): readonly LifeEffect[] {
    const before = this.#own ?? EMPTY_LIFE;
    const { life, effects } = step(before);
    this.#own = life;
    const { stream } = before;
    if (stream && stream.node !== this.#member) this.#foreign.add(startOfId(stream.id).publish);
    return effects.filter((effect) => effect.kind !== 'stop' || !this.#foreign.has(effect.stop.jti));
  }

  #differs(one: ChannelLife = EMPTY_LIFE, other: ChannelLife = EMPTY_LIFE): boolean {
    return names(partOf(one, this.#member)) !== names(partOf(other, this.#member));
  }
}

function toldAll(life: ChannelLife, effects: readonly NodeEffect[]): ChannelLife {
  return effects.reduce((known, effect) => told(known, effect) ?? known, life);
}

/** What of a node's part is changed by the node alone, or by others who tell it. */
function names({ stream, out, late, waiting }: LifePart): string {
  const state = stream && [stream.state, stream.keeps, stream.leaving, stream.id.orders];
  return [state, out?.abandoned, ...[stream, out, ...late, ...waiting].map((each) => each?.publish)].join();
}
