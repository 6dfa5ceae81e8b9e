import { type ChannelLife, EMPTY_LIFE, isOver } from '../../../../service/publishing/channel-life';
import type { DueStop, LifeEffect, LifeEvent, LifePolicy, Step } from '../../../../service/publishing/life-events';
import type { Judge } from './judge';
import type { VirtualTime } from './virtual-time';

export type StepFunction = (life: ChannelLife, event: LifeEvent, policy: LifePolicy) => Step<ChannelLife>;

/** What the storage needs of a node. */
export interface Subscriber {
  /** One run of its process. */
  readonly incarnation: string;
  effect(channel: string, effect: LifeEffect): void;
  /** Others took it for dead: nothing of it is left here. */
  lapsed(): void;
}

interface PendingStop {
  readonly channel: string;
  readonly stop: DueStop;
  claimedBy?: string;
}

const MIN_LATENCY_MS = 1;
const MAX_LATENCY_MS = 40;

/** The registry of a fleet: atomic, never away, but each message to and from it takes its time. */
export class ModelStorage {
  readonly lives = new Map<string, ChannelLife>();
  readonly stops = new Map<string, PendingStop>();
  readonly #nodes = new Map<string, Subscriber>();
  readonly #dead = new Set<string>();
  /** When the last message of a node arrives, by direction: they do not overtake each other. */
  readonly #arrivals = new Map<string, number>();

  constructor(
    readonly time: VirtualTime,
    private readonly step: StepFunction,
    private readonly policy: LifePolicy,
    private readonly judge: Judge,
  ) {}

  join(node: Subscriber): void {
    this.#nodes.set(node.incarnation, node);
  }

  isDead(incarnation: string): boolean {
    return this.#dead.has(incarnation);
  }

  /** A node's message. Of one that was taken for dead only answers are heard, for they cannot be had otherwise. */
  submit(from: string, channel: string, event: LifeEvent): void {
    this.#inOrder(`from ${from}`, () => {
      if (!this.#dead.has(from)) this.apply(channel, event);
      else if (event.kind === 'answered') this.apply(channel, event);
      else this.#inOrder(`to ${from}`, () => this.#nodes.get(from)?.lapsed());
    });
  }

  apply(channel: string, event: LifeEvent): void {
    const life = this.lives.get(channel) ?? EMPTY_LIFE;
    const { life: next, effects } = this.step(life, event, this.policy);
    if (isOver(next, this.time.now)) this.lives.delete(channel);
    else this.lives.set(channel, next);
    this.judge.stepped(channel, life, event, next, effects);
    for (const effect of effects) {
      if (effect.kind === 'stop') this.#keep(channel, effect.stop);
      else this.#tell(channel, effect);
    }
  }

  /** Nobody has heard of the node for too long. */
  bury(incarnation: string): void {
    if (this.#dead.has(incarnation)) return;
    this.#dead.add(incarnation);
    this.judge.buried(incarnation);
    for (const pending of this.stops.values()) if (pending.claimedBy === incarnation) pending.claimedBy = undefined;
    for (const channel of [...this.lives.keys()])
      this.apply(channel, { kind: 'nodeDead', node: incarnation, now: this.time.now });
  }

  beat(incarnation: string): void {
    if (!this.#dead.has(incarnation)) return;
    this.#inOrder(`to ${incarnation}`, () => this.#nodes.get(incarnation)?.lapsed());
  }

  /** A bounded batch of stops for a node to deliver. */
  claimStops(incarnation: string, most: number): PendingStop[] {
    if (this.#dead.has(incarnation)) return [];
    const free = [...this.stops.values()].filter(({ claimedBy }) => claimedBy === undefined).slice(0, most);
    for (const pending of free) pending.claimedBy = incarnation;
    return free;
  }

  /** One was delivered, or failed and is to be tried again. */
  stopDone(jti: string, delivered: boolean): void {
    const pending = this.stops.get(jti);
    if (delivered) this.stops.delete(jti);
    else if (pending !== undefined) pending.claimedBy = undefined;
  }

  #keep(channel: string, stop: DueStop): void {
    this.stops.set(stop.jti, { channel, stop });
  }

  #tell(channel: string, effect: Exclude<LifeEffect, { kind: 'stop' }>): void {
    this.#inOrder(`to ${effect.node}`, () => this.#nodes.get(effect.node)?.effect(channel, effect));
  }

  #inOrder(way: string, act: () => void): void {
    const { time } = this;
    const at = Math.max(time.now + time.between(MIN_LATENCY_MS, MAX_LATENCY_MS), this.#arrivals.get(way) ?? 0);
    this.#arrivals.set(way, at);
    time.after(at - time.now, act);
  }
}
