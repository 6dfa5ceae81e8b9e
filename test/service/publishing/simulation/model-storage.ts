import type { StoredLife } from '../../../../service/leases/life-copy';
import type { Change, ChangeOutcome } from '../../../../service/leases/node-lives';
import type { NodeEffect } from '../../../../service/leases/life-store';
import { type ChannelLife, EMPTY_LIFE, isOver } from '../../../../service/publishing/channel-life';
import type { DueStop, LifeEffect, LifeEvent, LifePolicy, Step } from '../../../../service/publishing/life-events';
import type { Judge } from './judge';
import type { VirtualTime } from './virtual-time';

export type StepFunction = (life: ChannelLife, event: LifeEvent, policy: LifePolicy) => Step<ChannelLife>;

/** A step that was taken, for the judge. */
export interface Taken {
  readonly life: ChannelLife;
  readonly event: LifeEvent;
}

export interface Letter {
  readonly channel: string;
  readonly stored: StoredLife | undefined;
  readonly effects: readonly NodeEffect[];
}

/** What the registry needs of a node. */
export interface Subscriber {
  /** One run of its process. */
  readonly incarnation: string;
  /** It is connected, and nothing keeps it from acting. */
  readonly isWell: boolean;
  mail(letter: Letter): void;
  delivers(stop: DueStop): boolean;
  /** Another node is dead: tells the channel's life. */
  bury(channel: string, member: string): void;
}

export interface KeptStop {
  readonly channel: string;
  readonly stop: DueStop;
  /** Who delivers it; undefined: nobody, it was left by a dead node. */
  owner: string | undefined;
}

/** What a node hears with each answer. */
export interface Beat {
  /** It was taken for dead. */
  readonly lapsed: boolean;
  /** Changes when the registry loses what it had. */
  readonly era: number;
  /** Dead nodes have left stops. */
  readonly hasStops: boolean;
  /** Channels in whose lives the node has a part. */
  readonly channels: readonly string[];
  /** Stops that the node has to deliver. */
  readonly stops: readonly KeptStop[];
  /** Mail from before it was taken for dead. */
  readonly letters: readonly Letter[];
}

const MIN_LATENCY_MS = 1;
const MAX_LATENCY_MS = 40;
/** A node waits for so long for an answer; what arrives later than most of it is not carried out. */
export const REQUEST_MS = 1_000;
const CARRIED_OUT_MS = 800;
const SWEEP_MS = 2_000;
/** A node that is silent for so long is taken for dead (ms). */
export const TTL_MS = 10_000;
/** Until all of a fleet have heard of an outage, and have settled what came of it. */
const SETTLED_MS = 25_000;

/** The registry of a fleet: each message takes its time, and it can be frozen, unreachable, or lose what it has. */
export class ModelStorage {
  readonly lives = new Map<string, StoredLife>();
  readonly stops = new Map<string, KeptStop>();
  era = 1;
  readonly #nodes = new Map<string, Subscriber>();
  readonly #heardAt = new Map<string, number>();
  readonly #dead = new Set<string>();
  readonly #mail = new Map<string, Letter[]>();
  /** When the last message of a node arrives, by direction: they do not overtake each other. */
  readonly #arrivals = new Map<string, number>();
  readonly #lines = new Map<string, (() => void)[]>();
  readonly #cutUntil = new Map<string, number>();
  #frozenUntil = 0;
  #before: ReadonlyMap<string, StoredLife> = new Map();
  #versions = 0;

  constructor(
    readonly time: VirtualTime,
    private readonly judge: Judge,
  ) {
    this.#sweep();
  }

  join(node: Subscriber): void {
    this.#nodes.set(node.incarnation, node);
    this.#heardAt.set(node.incarnation, this.time.now);
  }

  life(channel: string): ChannelLife | undefined {
    return this.lives.get(channel)?.life;
  }

  isDead(member: string): boolean {
    return this.#dead.has(member);
  }

  isCut(member: string): boolean {
    return (this.#cutUntil.get(member) ?? 0) > this.time.now;
  }

  /** Requests are carried out when it is over, unless that is too late. */
  freeze(forMs: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.time.now + forMs);
    this.judge.troubled(this.#frozenUntil + SETTLED_MS);
  }

  /** Messages of this node and to it are lost. */
  cut(member: string, forMs: number): void {
    this.#cutUntil.set(member, this.time.now + forMs);
    this.judge.troubled(this.time.now + forMs + SETTLED_MS);
  }

  /** Restarts with what it had some time ago, or with nothing. */
  lose(all: boolean): void {
    const isUnheard = ({ owner, stop }: KeptStop): boolean => !this.#nodes.get(owner ?? '')?.delivers(stop);
    const left = [...this.stops.values()].filter(isUnheard).map(({ stop }) => stop);
    const kept = all ? new Map<string, StoredLife>() : this.#before;
    const livesOf = (stored: ReadonlyMap<string, StoredLife>): ChannelLife[] =>
      [...stored.values()].map(({ life }) => life);
    this.judge.lostData(this.time.now + SETTLED_MS, livesOf(this.lives), livesOf(kept), left);
    this.lives.clear();
    for (const [channel, stored] of kept) this.lives.set(channel, stored);
    this.stops.clear();
    this.#mail.clear();
    this.era += 1;
  }

  heal(): void {
    this.#frozenUntil = Math.min(this.#frozenUntil, this.time.now);
    this.#cutUntil.clear();
  }

  change(
    from: string,
    { channel, seen, next, effects, gone }: Change,
    taken: Taken | undefined,
    done: (outcome: ChangeOutcome | 'unregistered') => void,
  ): void {
    const act = (): ChangeOutcome | 'unregistered' => {
      if (this.#dead.has(from)) return 'unregistered';
      if (gone !== undefined && !this.#dead.has(gone)) return { kind: 'alive' };
      const stored = this.lives.get(channel);
      if (stored?.version !== seen?.version) return { kind: 'other', stored };
      this.judge.stepped(channel, taken?.life ?? seen?.life ?? EMPTY_LIFE, taken?.event, next, effects);
      return { kind: 'changed', stored: this.#store(channel, next, effects, from) };
    };
    this.request(from, act, (outcome) => done(outcome ?? { kind: 'unanswered' }));
  }

  /** What a node asks. `done` hears nothing (undefined) when no answer comes in time. */
  request<T>(from: string, act: () => T, done: (answer: T | undefined) => void): void {
    const { time } = this;
    let isSettled = false;
    const settle = (answer: T | undefined): void => {
      if (isSettled) return;
      isSettled = true;
      cancel();
      done(answer);
    };
    const cancel = time.after(REQUEST_MS, () => settle(undefined));
    const until = time.now + CARRIED_OUT_MS;
    this.#inOrder(`from ${from}`, () => {
      if (this.isCut(from) || time.now > until) return;
      this.#heardAt.set(from, time.now);
      const answer = act();
      this.#deliver(from);
      this.#inOrder(`to ${from}`, () => {
        if (!this.isCut(from)) settle(answer);
      });
    });
  }

  beat(from: string, done: (beat: Beat | undefined) => void): void {
    let taken: readonly Letter[] = [];
    const act = (): Beat => {
      const hasStops = [...this.stops.values()].some(({ owner }) => owner === undefined);
      const channels = [...this.lives].filter(([, { life }]) => occurs(life, from)).map(([channel]) => channel);
      const stops = [...this.stops.values()].filter(({ owner }) => owner === from);
      const lapsed = this.#dead.delete(from);
      const letters = lapsed ? this.#takeMail(from) : [];
      taken = letters;
      return { lapsed, era: this.era, hasStops, channels, stops, letters };
    };
    this.request(from, act, (beat) => {
      // Letters stay until their arrival is confirmed.
      if (!beat) this.#mail.set(from, [...taken, ...(this.#mail.get(from) ?? [])]);
      done(beat);
    });
  }

  askDead(from: string, members: readonly string[], done: (dead: readonly string[]) => void): void {
    this.request(
      from,
      () => members.filter((member) => this.#dead.has(member)),
      (dead) => done(dead ?? []),
    );
  }

  /** A node has to deliver it, and the registry keeps it for the case that the node dies. */
  keepStop(from: string, channel: string, stop: DueStop): void {
    this.request(
      from,
      () => {
        if (!this.#dead.has(from)) this.stops.set(stop.jti, { channel, stop, owner: from });
      },
      () => undefined,
    );
  }

  /** A bounded batch of stops that dead nodes left. */
  claimStops(from: string, most: number, done: (stops: readonly KeptStop[]) => void): void {
    const act = (): KeptStop[] => {
      if (this.#dead.has(from)) return [];
      const free = [...this.stops.values()].filter(({ owner }) => owner === undefined).slice(0, most);
      for (const kept of free) kept.owner = from;
      return free;
    };
    this.request(from, act, (stops) => done(stops ?? []));
  }

  stopDone(from: string, jti: string, done: (heard: boolean) => void): void {
    this.request(
      from,
      () => {
        this.stops.delete(jti);
        return true;
      },
      (heard) => done(heard === true),
    );
  }

  #store(
    channel: string,
    next: ChannelLife,
    effects: readonly LifeEffect[],
    from: string | undefined,
  ): StoredLife | undefined {
    this.#versions += 1;
    const stored: StoredLife = { version: `v${this.#versions}`, life: next };
    if (isOver(next, this.time.now)) this.lives.delete(channel);
    else this.lives.set(channel, stored);
    const kept = this.lives.get(channel);
    const letters = new Map<string, NodeEffect[]>();
    for (const effect of effects) {
      if (effect.kind === 'stop') this.stops.set(effect.stop.jti, { channel, stop: effect.stop, owner: from });
      else if (effect.node !== from) letters.set(effect.node, [...(letters.get(effect.node) ?? []), effect]);
    }
    for (const [member, its] of letters) {
      this.#mail.set(member, [...(this.#mail.get(member) ?? []), { channel, stored: kept, effects: its }]);
      if (!this.isCut(member)) this.#deliver(member);
    }
    return kept;
  }

  /** One that was taken for dead hears of that first. */
  #deliver(member: string): void {
    if (this.#dead.has(member)) return;
    for (const letter of this.#takeMail(member))
      this.#inOrder(`to ${member}`, () => this.#nodes.get(member)?.mail(letter));
  }

  #takeMail(member: string): readonly Letter[] {
    const letters = this.#mail.get(member) ?? [];
    this.#mail.delete(member);
    return letters;
  }

  /** Looks for nodes that have been silent for too long. */
  #sweep(): void {
    const { time } = this;
    time.after(SWEEP_MS, () => {
      if (this.judge.isClosed) return;
      this.#sweep();
      this.#before = new Map(this.lives);
      if (time.now < this.#frozenUntil + 2 * TTL_MS && this.#frozenUntil > 0) return;
      for (const [member, heardAt] of this.#heardAt) {
        if (time.now - heardAt > TTL_MS && !this.#dead.has(member)) this.#bury(member);
      }
      const sweeper = [...this.#nodes.values()].find(
        ({ incarnation, isWell }) => isWell && !this.#dead.has(incarnation) && !this.isCut(incarnation),
      );
      for (const member of this.#dead) {
        for (const [channel, { life }] of this.lives) if (occurs(life, member)) sweeper?.bury(channel, member);
      }
    });
  }

  #bury(member: string): void {
    this.#dead.add(member);
    this.judge.buried(member);
    for (const kept of this.stops.values()) if (kept.owner === member) kept.owner = undefined;
  }

  #inOrder(way: string, act: () => void): void {
    const line = this.#lines.get(way) ?? [];
    this.#lines.set(way, line);
    line.push(act);
    this.#arrive(way, line);
  }

  /** One message of the line arrives: the first. */
  #arrive(way: string, line: (() => void)[]): void {
    const { time } = this;
    const at = Math.max(
      time.now + time.between(MIN_LATENCY_MS, MAX_LATENCY_MS),
      this.#arrivals.get(way) ?? 0,
      way.startsWith('from') ? this.#frozenUntil : 0,
    );
    this.#arrivals.set(way, at);
    time.after(at - time.now, () => {
      if (way.startsWith('from') && time.now < this.#frozenUntil) this.#arrive(way, line);
      else line.shift()?.();
    });
  }
}

function occurs({ stream, out, late, waiting }: ChannelLife, member: string): boolean {
  return [stream, out, ...late, ...waiting].some((each) => each?.node === member);
}
