import { Admission } from '../../../service/admission/admission';
import { AcceptAllAuthorizer } from '../../../service/auth/accept-all-authorizer';
import type { PublishAuthorizer, PublishDecision, PublishRequest } from '../../../service/auth/publish-authorizer';
import { SoloMember } from '../../../service/fleet/solo-member';
import { Hub } from '../../../service/hub/hub';
import { type Slab, SlabPool } from '../../../service/hub/slab';
import { silentLogger } from '../../../service/logging/silent-logger';
import { TrafficCounters } from '../../../service/metrics/traffic-counters';
import { Batching } from '../../../service/net/batching/batching';
import { CommandHandler } from '../../../service/operators/command-handler';
import { Operators } from '../../../service/operators/operators';
import { NameGrammar } from '../../../service/protocol/name-grammar';
import { NameRules } from '../../../service/session/rtmp-commands/name-rules';
import { OpenSessions } from '../../../service/session/open-sessions';
import { Session } from '../../../service/session/session';
import type { SessionContext } from '../../../service/session/session-context';
import type { Transport } from '../../../service/session/transport';
import type { Drive, Given, Line, Stop } from './drive';
import type { Asked, Rules } from './model';
import type { VirtualClock } from './virtual-clock';

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const NAMES = new NameGrammar({ maxLength: 128, allowEmpty: false, allowSpecialCharacters: false });

/** Slabs that are in use. */
class CountingPool extends SlabPool {
  inUse = 0;

  override take(base: number, bytes: number): Slab {
    this.inUse += 1;
    return super.take(base, bytes);
  }

  override release(slab: Slab): void {
    this.inUse -= 1;
    super.release(slab);
  }
}

/** New memory for each schedule would take most of the time. */
const POOL = new CountingPool(1 << 24);

interface Question extends Asked {
  decide(decision: PublishDecision): void;
}

/** A callback handler that a schedule answers for. Stops are delivered at once. */
class ScriptedAuthorizer implements PublishAuthorizer {
  readonly questions = new Map<string, Question>();
  fresh: Asked[] = [];
  stops: Stop[] = [];

  constructor(private readonly member: () => SoloMember) {}

  screen(): undefined {
    return undefined;
  }

  authorizeStart(request: PublishRequest, signal: AbortSignal): Promise<PublishDecision> {
    if (signal.aborted) return Promise.resolve({ accepted: false, final: false, reason: 'The publisher has gone' });
    const { channel, key, query, startJti = '' } = request;
    const asked = { jti: startJti, channel, key, serial: Number(/n=(\d+)/.exec(query)?.[1]) };
    this.fresh.push(asked);
    return new Promise((decide) => this.questions.set(startJti, { ...asked, decide }));
  }

  stopsDue(): void {
    const { store } = this.member();
    void store.pullStops(100).then((stops) => {
      for (const { jti, startJti = '', streamId } of stops) {
        this.stops.push({ startJti, streamId });
        void store.stopDelivered(jti);
      }
    });
  }

  expectStop(): () => void {
    return () => undefined;
  }

  drain(): Promise<number> {
    return Promise.resolve(0);
  }
}

/** The server's sessions, admission and hub in this process, without sockets and on a virtual clock. */
export class InProcess implements Drive {
  readonly channels = ['news', 'sport'];
  readonly needsBarriers = false;
  readonly blockSeconds = 4;
  readonly rules: Rules;
  readonly #clock: VirtualClock;
  readonly #log = silentLogger;
  readonly #traffic = new TrafficCounters();
  readonly #batching: Batching;
  readonly #sessions: OpenSessions;
  readonly #hub: Hub;
  readonly #member: SoloMember;
  readonly #admission: Admission;
  readonly #scripted = new ScriptedAuthorizer(() => this.#member);
  readonly #operators: Operators;
  readonly #context: SessionContext;
  #worked = 0;

  constructor(rules: Rules, clock: VirtualClock) {
    this.rules = rules;
    this.#clock = clock;
    POOL.inUse = 0;
    const log = this.#log;
    const now = (): number => clock.ms;
    this.#batching = new Batching({ latencyMs: 0, traffic: this.#traffic });
    this.#sessions = new OpenSessions(now());
    const gopCacheBytes = rules.caches ? 1 << 26 : 0;
    const hub = new Hub({
      ...{ pool: POOL, traffic: this.#traffic, chunkSize: rules.chunkSize, gopCacheBytes },
      ...{ scheduler: this.#batching, now },
    });
    const member = new SoloMember({ takeover: rules.takeover, resumes: false });
    const { store, keyHash } = member;
    const due = {
      pull: (max: number) => store.pullStops(max),
      delivered: (jti: string) => void store.stopDelivered(jti),
    };
    const admission = new Admission({
      ...{ hub, store, keyHash, log, policy: { graceMs: 0, withoutRegistry: 'accept' } },
      authorizer: rules.callback ? this.#scripted : new AcceptAllAuthorizer(due),
      orphaned: (channel, publication) => member.orphaned(channel, publication),
      conflict: () => undefined,
      ends: () => undefined,
      refusal: () => undefined,
      noRoom: () => undefined,
    });
    this.#hub = hub;
    this.#member = member;
    this.#admission = admission;
    const handler = new CommandHandler({
      hub,
      isHeld: (publication) => admission.isHeld(publication),
      endHeld: (publication) => admission.endHeld(publication),
      nodeIds: ['local'],
      drain: () => undefined,
    });
    this.#operators = new Operators({
      ...{ config: undefined, names: NAMES, log },
      carryOut: (command) => handler.execute(command),
      remember: (command) => store.remember(command),
    });
    this.#context = {
      ...{ hub, gate: admission, names: new NameRules(NAMES), log, traffic: this.#traffic },
      ...{ chunkSize: rules.chunkSize, gopCacheBytes, now },
      timeouts: { mediaMs: 120_000, silentMs: 60_000 },
      mayPlay: () => true,
      streamWanted: () => undefined,
      refusal: () => undefined,
      afterRead: () => this.#batching.afterRead(),
      sessionClosed: () => undefined,
    };
    void member.start(admission);
  }

  now(): number {
    return this.#clock.now;
  }

  connect(received: (bytes: Buffer) => void): Line {
    const sessions = this.#sessions;
    const transport = new MemoryTransport(received);
    const session = new Session({ context: this.#context, transport, id: sessions.nextId() });
    sessions.add(session);
    const gone = (error?: Error): void => {
      if (transport.isGone) return;
      transport.isGone = true;
      sessions.delete(session);
      session.disconnected(error);
    };
    transport.onEnd = () => setImmediate(gone);
    const read = (bytes: Buffer): void => {
      session.receive(bytes, 0, bytes.length);
      this.#batching.afterRead();
    };
    transport.read = read;
    return {
      get isClosed() {
        return transport.isEnded;
      },
      send: (bytes) => {
        if (transport.isGone) return;
        if (transport.isPaused) transport.unread.push(bytes);
        // The server reads all connections into one buffer.
        else read(Buffer.from(bytes));
      },
      close: (reset) => {
        transport.isEnded = true;
        gone(reset ? Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }) : undefined);
      },
    };
  }

  takeQuestions(): Asked[] {
    return this.#scripted.fresh.splice(0);
  }

  takeStops(): Stop[] {
    return this.#scripted.stops.splice(0);
  }

  answer(jti: string, { final, streamId, playKey }: Given): void {
    const question = this.#scripted.questions.get(jti)!;
    this.#scripted.questions.delete(jti);
    question.decide(
      streamId === undefined
        ? { accepted: false, final, reason: 'The callback refused the stream' }
        : { accepted: true, grant: { streamId, ...(playKey !== undefined && { playKey }) } },
    );
  }

  async order(text: string): Promise<void> {
    await this.#operators.execute(text, 'ordered');
  }

  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      await this.#clock.pass(1_000);
      for (const part of [this.#sessions, this.#hub, this.#admission]) part.tick(this.#clock.ms);
      await breathe();
    }
  }

  async work(): Promise<boolean> {
    await breathe();
    await breathe();
    this.#worked += 1;
    return this.#worked < 4;
  }

  settled(): void {
    this.#worked = 0;
  }

  async leftovers(): Promise<string | undefined> {
    await breathe();
    // Blocks end.
    await this.#clock.pass(100_000);
    const left: string[] = [];
    const { store } = this.#member;
    if (this.#sessions.size > 0) left.push(`${this.#sessions.size} sessions`);
    if ([...this.#hub.publications()].length > 0) left.push('a stream');
    for (const name of this.channels) {
      if (this.#hub.find(name) !== undefined) left.push(`channel ${name}`);
      if ((await store.locate(name)) !== undefined) left.push(`life of ${name}`);
    }
    if (store.dueStops > 0) left.push(`${store.dueStops} stops`);
    if (POOL.inUse > 0) left.push(`${POOL.inUse} slabs of memory`);
    if (this.#clock.pending > 0) left.push(`${this.#clock.pending} timers`);
    return left.length === 0 ? undefined : `left behind: ${left.join(', ')}`;
  }

  close(): void {
    this.#batching.close();
  }
}

/** A connection without a socket: what the server writes is received at once. */
class MemoryTransport implements Transport {
  readonly remoteAddress = '192.0.2.7';
  readonly secure = false;
  readonly unsentBytes = 0;
  readonly unread: Buffer[] = [];
  isPaused = false;
  isEnded = false;
  isGone = false;
  onEnd: () => void = () => undefined;
  read: (bytes: Buffer) => void = () => undefined;
  readonly #received: (bytes: Buffer) => void;

  constructor(received: (bytes: Buffer) => void) {
    this.#received = received;
  }

  write(bytes: Buffer): boolean {
    if (!this.isEnded) this.#received(Buffer.from(bytes));
    return false;
  }

  writeAll(views: readonly Buffer[]): boolean {
    for (const view of views) this.write(view);
    return false;
  }

  proven(): void {}

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    setImmediate(() => {
      while (!this.isPaused && !this.isGone && this.unread.length > 0) this.read(this.unread.shift()!);
    });
  }

  detach(): Promise<object> {
    return Promise.reject(new Error('there is only one process'));
  }

  end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.onEnd();
  }
}
