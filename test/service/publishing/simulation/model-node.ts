import type { HandedId, Start } from '../../../../service/publishing/channel-life';
import type { Answer, DueStop, LifeEffect, Refusal } from '../../../../service/publishing/life-events';
import type { Judge } from './judge';
import type { HandlerLine } from './handler-line';
import type { ModelStorage, Subscriber } from './model-storage';
import type { VirtualTime } from './virtual-time';

/** Times that the model shares with the service's defaults (ms). */
export const CALLBACK_TIMEOUT_MS = 10_000;
export const ANSWER_HEARD_MS = 60_000;
export const GRACE_MS = 10_000;
const STOPS_AT_ONCE = 3;
const STOP_RETRY_MS = 2_000;

export interface Publisher {
  readonly channel: string;
  readonly rightKey: boolean;
  readonly group: string;
  readonly publish: string;
  readonly node: ModelNode;
  /** How its connection ended; undefined while it is open. */
  ended?: 'left' | 'lost';
  /** What it heard of its publish. */
  outcome?: 'letIn' | Refusal['why'] | 'replaced' | 'ended';
}

export interface LocalStream {
  readonly publish: string;
  readonly id: HandedId;
  readonly publisher: Publisher;
  state: 'live' | 'held';
  graceLeftMs: number;
  graceRunsSince?: number;
  stopClock?: () => void;
}

export interface NodeOptions {
  readonly time: VirtualTime;
  readonly storage: ModelStorage;
  readonly line: HandlerLine;
  readonly judge: Judge;
  /** There is a grace time. */
  readonly holds: boolean;
}

/** A node: carries out what the machine decides, and says what happens to its publishers. */
export class ModelNode implements Subscriber {
  incarnation: string;
  readonly streams = new Map<string, LocalStream>();
  readonly candidates = new Map<string, Publisher>();
  /** Added to the true time (ms). */
  clockError = 0;
  /** It was stopped once: its clocks may have heard of a change late. */
  hasSlept = false;
  #isAlive = true;
  #asleep: (() => void)[] | undefined;
  #lives = 1;

  constructor(
    readonly name: string,
    private readonly options: NodeOptions,
  ) {
    this.incarnation = `${name}.1`;
    options.storage.join(this);
    this.#deliverStops();
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isAsleep(): boolean {
    return this.#asleep !== undefined;
  }

  connect(publisher: Publisher): void {
    this.#whenAwake(() => {
      if (publisher.ended !== undefined) return;
      const { publish, channel, group, rightKey } = publisher;
      this.candidates.set(publish, publisher);
      const start = { publish, node: this.incarnation, startJti: `start-${publish}`, about: channel };
      const candidate = { ...start, keyHash: rightKey ? 'right' : `wrong-${group}`, group };
      this.#submit(channel, { kind: 'come', candidate, now: this.#wallClock() });
    });
  }

  /** The publisher's connection has ended. */
  disconnected(publisher: Publisher, how: 'left' | 'lost'): void {
    this.#whenAwake(() => {
      const { channel, publish } = publisher;
      if (this.candidates.delete(publish)) this.#submit(channel, { kind: 'gone', publish });
      const stream = this.streams.get(channel);
      if (stream?.publish === publish && stream.state === 'live') this.#publisherEnded(channel, stream, how);
    });
  }

  effect(channel: string, effect: LifeEffect): void {
    this.#whenAwake(() => this.#carryOut(channel, effect));
  }

  lapsed(): void {
    this.#whenAwake(() => {
      if (!this.options.storage.isDead(this.incarnation)) return;
      for (const [channel, stream] of [...this.streams]) this.#endLocally(channel, stream, 'ended');
      for (const candidate of this.candidates.values()) this.#refuse(candidate, 'noAnswer');
      this.#lives += 1;
      this.incarnation = `${this.name}.${this.#lives}`;
      this.options.storage.join(this);
    });
  }

  drain(): void {
    for (const channel of this.streams.keys()) this.#submit(channel, { kind: 'draining', node: this.incarnation });
  }

  die(): void {
    this.#isAlive = false;
    this.options.judge.died(this);
    for (const stream of this.streams.values()) stream.publisher.ended ??= 'lost';
    for (const candidate of this.candidates.values()) candidate.ended ??= 'lost';
    this.streams.clear();
    this.candidates.clear();
  }

  sleep(): void {
    this.#asleep ??= [];
    this.hasSlept = true;
  }

  wake(): void {
    const waiting = this.#asleep ?? [];
    this.#asleep = undefined;
    if (!this.#isAlive) return;
    // What is overdue comes first.
    this.options.storage.beat(this.incarnation);
    for (const act of waiting) act();
  }

  #carryOut(channel: string, effect: LifeEffect): void {
    this.options.judge.told(effect);
    if (effect.kind === 'stop' || effect.node !== this.incarnation) return;
    if (effect.kind === 'ask') {
      this.#ask(channel, effect.start);
      return;
    }
    const candidate = this.candidates.get(effect.publish);
    if (effect.kind === 'refuse') {
      if (candidate) this.#refuse(candidate, effect.refusal.why);
      return;
    }
    if (effect.kind === 'letIn') {
      this.#letIn(channel, effect);
      return;
    }
    const stream = this.streams.get(channel);
    if (stream?.publish !== effect.publish) return;
    if (effect.kind === 'grace') this.#setGrace(channel, stream, effect.runs);
    else this.#endLocally(channel, stream, effect.kind);
  }

  #letIn(channel: string, { publish, id }: LifeEffect & { kind: 'letIn' }): void {
    const publisher = this.candidates.get(publish) ?? this.options.judge.publisher(publish);
    this.candidates.delete(publish);
    const stream: LocalStream = { publish, id, publisher, state: 'live', graceLeftMs: GRACE_MS };
    const former = this.streams.get(channel);
    if (former) this.#endLocally(channel, former, 'replaced');
    this.streams.set(channel, stream);
    publisher.outcome = 'letIn';
    this.options.judge.letIn(this, channel, stream);
    if (publisher.ended !== undefined) this.#publisherEnded(channel, stream, publisher.ended);
  }

  #publisherEnded(channel: string, stream: LocalStream, how: 'left' | 'lost'): void {
    const { publish } = stream;
    if (how === 'left' || !this.options.holds) {
      this.streams.delete(channel);
      this.#submit(channel, { kind: 'left', publish });
    } else {
      stream.state = 'held';
      this.#submit(channel, { kind: 'lost', publish });
    }
  }

  #endLocally(channel: string, stream: LocalStream, why: 'replaced' | 'ended'): void {
    stream.stopClock?.();
    this.streams.delete(channel);
    stream.publisher.outcome = why;
    stream.publisher.ended ??= 'left';
  }

  #refuse(candidate: Publisher, why: Refusal['why']): void {
    this.candidates.delete(candidate.publish);
    candidate.outcome = why;
    candidate.ended ??= 'left';
  }

  #setGrace(channel: string, stream: LocalStream, runs: boolean): void {
    const { time } = this.options;
    stream.stopClock?.();
    if (stream.graceRunsSince !== undefined) stream.graceLeftMs -= time.now - stream.graceRunsSince;
    stream.graceRunsSince = runs ? time.now : undefined;
    if (!runs || stream.state !== 'held') return;
    stream.stopClock = time.after(stream.graceLeftMs, () => {
      this.#whenAwake(() => this.#submit(channel, { kind: 'graceOver', publish: stream.publish }));
    });
  }

  #ask(channel: string, start: Start): void {
    const { line, judge, time, storage } = this.options;
    const publisher = judge.publisher(start.publish);
    let isSettled = false;
    const from = this.incarnation;
    const answered = (answer: Answer): void => {
      this.#whenAwake(() => {
        if (isSettled) return;
        isSettled = answer.kind !== 'late';
        storage.submit(from, channel, { kind: 'answered', start, answer, now: this.#wallClock() });
      });
    };
    time.after(CALLBACK_TIMEOUT_MS, () => answered({ kind: 'late' }));
    time.after(ANSWER_HEARD_MS, () => answered({ kind: 'unknown' }));
    line.ask({ channel, rightKey: publisher.rightKey, askedAt: this.#wallClock(), start }, answered);
  }

  /** Pulls stops that nobody delivers yet, a few at a time. */
  #deliverStops(): void {
    const { storage, time } = this.options;
    time.after(time.between(50, 300), () => {
      if (!this.#isAlive) return;
      if (!this.isAsleep)
        for (const { channel, stop } of storage.claimStops(this.incarnation, STOPS_AT_ONCE)) this.#post(channel, stop);
      if (!this.options.judge.isClosed) this.#deliverStops();
    });
  }

  #post(channel: string, stop: DueStop): void {
    const { storage, line, time } = this.options;
    this.options.judge.stopSent(channel, stop);
    line.stop(channel, stop, (delivered) => {
      this.#whenAwake(() => {
        if (delivered) storage.stopDone(stop.jti, true);
        else time.after(STOP_RETRY_MS, () => storage.stopDone(stop.jti, false));
      });
    });
  }

  #submit(channel: string, event: Parameters<ModelStorage['submit']>[2]): void {
    this.options.storage.submit(this.incarnation, channel, event);
  }

  #wallClock(): number {
    return this.options.time.now + this.clockError;
  }

  /** Runs it now, or when the stopped process continues; never if the process was killed. */
  #whenAwake(act: () => void): void {
    if (!this.#isAlive) return;
    if (this.#asleep) this.#asleep.push(act);
    else act();
  }
}
