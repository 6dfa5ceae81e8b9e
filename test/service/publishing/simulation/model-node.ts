import { NodeLives } from '../../../../service/leases/node-lives';
import type { NodeEffect } from '../../../../service/leases/life-store';
import type { HandedId, Start } from '../../../../service/publishing/channel-life';
import type { Answer, DueStop, LifeEvent, LifePolicy, Refusal } from '../../../../service/publishing/life-events';
import type { Judge } from './judge';
import type { HandlerLine } from './handler-line';
import type { Beat, KeptStop, Letter, ModelStorage, StepFunction, Subscriber, Taken } from './model-storage';
import { TTL_MS } from './model-storage';
import type { VirtualTime } from './virtual-time';

/** Times that the model shares with the service's defaults (ms). */
export const CALLBACK_TIMEOUT_MS = 10_000;
export const ANSWER_HEARD_MS = 60_000;
export const GRACE_MS = 10_000;
const STOPS_AT_ONCE = 3;
const STOP_RETRY_MS = 2_000;
const BEAT_MS = 2_000;

export interface Publisher {
  readonly channel: string;
  readonly rightKey: boolean;
  readonly group: string;
  readonly publish: string;
  readonly node: ModelNode;
  /** How its connection ended; undefined while it is open. */
  ended?: 'left' | 'lost';
  /** When the publisher ended it. */
  endedAt?: number;
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
  readonly step: StepFunction;
  readonly policy: LifePolicy;
}

/** A node: carries out what the machine decides, and says what happens to its publishers. */
export class ModelNode implements Subscriber {
  readonly incarnation: string;
  readonly streams = new Map<string, LocalStream>();
  readonly candidates = new Map<string, Publisher>();
  /** Added to the true time (ms). */
  clockError = 0;
  /** When it last continued after it had been stopped. */
  wokeAt = -Infinity;
  readonly lives: NodeLives;
  /** Stops that this node delivers, by `jti`. */
  readonly #stops = new Map<string, { readonly channel: string; readonly stop: DueStop }>();
  #isAlive = true;
  #asleep: (() => void)[] | undefined;
  /** Mail that came while the node was stopped: the next answer brings it, which says first whether the node lapsed. */
  readonly #letters: Letter[] = [];
  /** How many of such letters it has read. */
  #lettersRead = 0;
  #isUp = true;
  #era = 1;
  /** When it asked for the last renewal that was answered. */
  #renewedAt: number;
  /** A stop may have been stored of which this node did not hear. */
  #stopsDoubted = false;
  readonly #delivered = new Set<string>();
  /** The last step, until it is known what becomes of it. */
  #taken: Taken | undefined;

  constructor(
    readonly name: string,
    private readonly options: NodeOptions,
  ) {
    this.incarnation = `${name}.1`;
    this.#era = options.storage.era;
    this.#renewedAt = options.time.now;
    options.storage.join(this);
    this.lives = this.#openLives();
    this.#beat();
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

  /** Whether it knows that it has to deliver the stop. */
  delivers({ jti }: DueStop): boolean {
    return this.#stops.has(jti);
  }

  get isWell(): boolean {
    return this.#isAlive && this.#asleep === undefined && this.#isUp;
  }

  mail(letter: Letter): void {
    if (this.#asleep || this.#letters.length > 0) this.#letters.push(letter);
    else if (this.#isAlive) this.#read(letter);
  }

  bury(channel: string, member: string): void {
    this.lives.apply(channel, { kind: 'nodeDead', node: member, now: this.#wallClock() });
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
  }

  wake(): void {
    const waiting = this.#asleep ?? [];
    this.#asleep = undefined;
    this.wokeAt = this.options.time.now;
    if (!this.#isAlive) return;
    // What is overdue comes first.
    this.#askBeat();
    for (const act of waiting) act();
  }

  #read({ channel, stored, effects }: Letter): void {
    this.lives.mail(channel, stored, effects);
  }

  /** How many letters came before the answer that comes now. */
  get #lettersCome(): number {
    return this.#lettersRead + this.#letters.length;
  }

  #readLetters(come: number): void {
    const letters = this.#letters.splice(0, Math.max(0, come - this.#lettersRead));
    this.#lettersRead += letters.length;
    for (const letter of letters) this.#read(letter);
  }

  #openLives(): NodeLives {
    const { storage, judge, step, policy, time } = this.options;
    return new NodeLives({
      member: this.incarnation,
      policy,
      step: (life, event) => {
        this.#taken = { life, event };
        return step(life, event, policy);
      },
      now: () => this.#wallClock(),
      contestMs: 2 * BEAT_MS,
      isUp: () => this.#isUp,
      change: (change, done) => {
        const taken = this.#taken;
        const ask = (attempt: number): void =>
          storage.change(this.incarnation, change, taken, (outcome) => {
            const come = this.#lettersCome;
            this.#whenAwake(() => {
              if (outcome !== 'unregistered') {
                if (outcome.kind === 'unanswered') {
                  this.#isUp = false;
                  this.#stopsDoubted = true;
                } else this.#readLetters(come);
                done(outcome);
              } else if (attempt > 1) done({ kind: 'unanswered' });
              else this.#askBeat(() => ask(attempt + 1));
            });
          });
        ask(1);
      },
      dead: (members, done) => storage.askDead(this.incarnation, members, (dead) => this.#whenAwake(() => done(dead))),
      later: (round, act) => time.after(time.between(1, 20 * (round + 1)), () => this.#whenAwake(act)),
      perform: (channel, effects) => {
        for (const effect of effects) this.#carryOut(channel, effect);
      },
      refusalAlone: () => undefined,
      stopDue: (channel, stop, isStored) => {
        judge.due(channel, stop);
        this.#stops.set(stop.jti, { channel, stop });
        if (!isStored) storage.keepStop(this.incarnation, channel, stop);
        this.#post(channel, stop);
      },
    });
  }

  #beat(): void {
    const { time, judge } = this.options;
    time.after(BEAT_MS, () => {
      if (!this.#isAlive || judge.isClosed) return;
      if (!this.isAsleep) this.#askBeat();
      this.#beat();
    });
  }

  /** Renews the registration; afterwards, asserts what may differ from what is stored. */
  #askBeat(done: () => void = () => undefined): void {
    const { storage, judge, time } = this.options;
    const askedAt = time.now;
    storage.beat(this.incarnation, (beat) => {
      const come = this.#lettersCome;
      this.#whenAwake(() => {
        this.#isUp = beat !== undefined;
        // The answer that would have told it may be lost.
        const mayHaveLapsed = time.now - this.#renewedAt > TTL_MS;
        if (beat !== undefined) this.#renewedAt = askedAt;
        if (beat?.lapsed === true || (beat !== undefined && mayHaveLapsed)) {
          if (!storage.isDead(this.incarnation)) judge.returned(this.incarnation);
          this.#stopsDoubted = true;
          this.lives.doubt('loss', beat.channels);
        }
        if (beat !== undefined) this.#heardEra(beat);
        if (beat !== undefined) this.#readLetters(come);
        for (const letter of beat?.letters ?? []) this.#read(letter);
        done();
        if (beat !== undefined && this.#stopsDoubted) this.#adopt(beat.stops);
        if (beat?.hasStops === true) this.#claimStops();
        if (beat !== undefined) for (const channel of this.lives.unsettled) this.lives.settle(channel, () => undefined);
      });
    });
  }

  /** The registry has lost data since the last answer. */
  #heardEra({ era, channels }: Beat): void {
    if (era === this.#era) return;
    this.#era = era;
    this.lives.doubt('loss', channels);
    for (const { channel, stop } of this.#stops.values()) {
      this.options.storage.keepStop(this.incarnation, channel, stop);
    }
  }

  #carryOut(channel: string, effect: NodeEffect): void {
    this.options.judge.told(effect);
    if (effect.node !== this.incarnation) return;
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

  #letIn(channel: string, { publish, id }: NodeEffect & { kind: 'letIn' }): void {
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
    if (how === 'left' || !this.options.policy.resumes) {
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
    const { line, judge, time } = this.options;
    const publisher = judge.publisher(start.publish);
    let isSettled = false;
    const answered = (answer: Answer): void => {
      this.#whenAwake(() => {
        if (isSettled) return;
        isSettled = answer.kind !== 'late';
        judge.settled(channel, start);
        this.#submit(channel, { kind: 'answered', start, answer, now: this.#wallClock() });
      });
    };
    time.after(CALLBACK_TIMEOUT_MS, () => answered({ kind: 'late' }));
    time.after(ANSWER_HEARD_MS, () => answered({ kind: 'unknown' }));
    line.ask({ channel, rightKey: publisher.rightKey, askedAt: this.#wallClock(), start }, answered);
  }

  /** Takes over stops that dead nodes left, a few at a time. */
  #claimStops(): void {
    this.options.storage.claimStops(this.incarnation, STOPS_AT_ONCE, (stops) =>
      this.#whenAwake(() => this.#adopt(stops)),
    );
  }

  #adopt(stops: readonly KeptStop[]): void {
    this.#stopsDoubted = false;
    for (const { channel, stop } of stops) {
      if (this.#stops.has(stop.jti)) continue;
      if (this.#delivered.has(stop.jti)) {
        this.#stopDone(stop.jti);
        continue;
      }
      this.#stops.set(stop.jti, { channel, stop });
      this.#post(channel, stop);
    }
  }

  #post(channel: string, stop: DueStop): void {
    const { line, time, judge } = this.options;
    judge.stopSent(channel, stop);
    line.stop(channel, stop, (delivered) => {
      this.#whenAwake(() => {
        if (delivered) this.#stopDone(stop.jti);
        else time.after(STOP_RETRY_MS, () => this.#whenAwake(() => this.#post(channel, stop)));
      });
    });
  }

  #stopDone(jti: string): void {
    const { storage, time } = this.options;
    this.#stops.delete(jti);
    this.#delivered.add(jti);
    storage.stopDone(this.incarnation, jti, (heard) => {
      if (!heard) time.after(STOP_RETRY_MS, () => this.#whenAwake(() => this.#stopDone(jti)));
    });
  }

  #submit(channel: string, event: LifeEvent): void {
    this.lives.apply(channel, event);
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
