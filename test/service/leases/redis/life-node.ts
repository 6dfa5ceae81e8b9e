import { EventEmitter, once } from 'node:events';
import { randomUUID } from 'node:crypto';
import type { StopRecord } from '../../../../service/auth/stop-record';
import { FleetKeys } from '../../../../service/leases/fleet-keys';
import type { LifeListener, NodeEffect } from '../../../../service/leases/life-store';
import { RedisLifeStore } from '../../../../service/leases/redis/redis-life-store';
import type { RegistryTiming } from '../../../../service/leases/redis/registry-timing';
import type { Answer, LifePolicy, Refusal } from '../../../../service/publishing/life-events';
import type { Start } from '../../../../service/publishing/channel-life';
import type { ChangingPassword } from '../../../../service/redis/redis-password';
import { MemoryLogger } from '../../../support/memory-logger';

/** Several times as fast as in production. */
export const FAST: RegistryTiming = { ttlMs: 1_200, beatMs: 250, requestTimeoutMs: 600, auditMs: 600_000 };

export interface LifeNodeOptions {
  readonly port: number;
  readonly id?: string;
  readonly timing?: Partial<RegistryTiming>;
  readonly policy?: LifePolicy;
  readonly username?: string;
  readonly password?: string;
  readonly passwordFrom?: ChangingPassword;
  /** JWT_SECRET; null for a node without a callback. */
  readonly secret?: string | null;
  /** Publishers are refused while Redis is away. */
  readonly rejectsAlone?: boolean;
  readonly schema?: number;
}

export interface PublishOptions {
  readonly keyHash?: string;
  /** The stream's key, as the stop has to say it. */
  readonly key?: string;
  /** What the handler answers, and when; default: it accepts at once with the stream id. */
  readonly answer?: (start: Start) => Answer | Promise<Answer>;
}

export interface Attempt {
  readonly publish: string;
  readonly channel: string;
  readonly outcome: 'letIn' | Refusal['why'];
}

/** A node of a fleet as its store sees it: it has no streams, but does what it is told, and records it. */
export class LifeNode implements LifeListener {
  readonly store: RedisLifeStore;
  readonly log = new MemoryLogger();
  readonly keys = new FleetKeys();
  /** Everything that it was told to do. */
  readonly told: { readonly channel: string; readonly effect: NodeEffect }[] = [];
  readonly changed: string[] = [];
  readonly commands: string[] = [];
  /** Nodes of whose departure it was told. */
  readonly departures: string[] = [];
  /** Publishes that are live here, with their channels. */
  readonly live = new Map<string, string>();
  /** Stops that it has pulled, in that order. */
  readonly stops: StopRecord[] = [];
  /** Whether it delivers the stops that it pulls. */
  delivers = false;
  readonly #events = new EventEmitter();
  readonly #rejectsAlone: boolean;
  readonly #waiting = new Map<
    string,
    { options: PublishOptions; streamId: string; settle: (o: Attempt['outcome']) => void }
  >();

  constructor({
    port,
    id = `node-${randomUUID().slice(0, 8)}`,
    timing,
    policy = { takeover: false, resumes: true },
    secret = 'of the callback',
    passwordFrom,
    rejectsAlone = false,
    schema,
    ...login
  }: LifeNodeOptions) {
    const { username, password } = login;
    this.#rejectsAlone = rejectsAlone;
    this.#events.setMaxListeners(0);
    if (secret !== null) this.keys.use(secret);
    this.store = new RedisLifeStore({
      config: { host: '127.0.0.1', port, username, password, tls: undefined, channel: 'rtmp_commands' },
      password: passwordFrom,
      address: { id, host: '10.0.0.1', port: 1935, proxyHeader: false },
      policy,
      log: this.log,
      keys: this.keys,
      timing: { ...FAST, ...timing },
      ...(schema !== undefined && { schema }),
    });
  }

  static async start(options: LifeNodeOptions): Promise<LifeNode> {
    const node = new LifeNode(options);
    await node.store.start(node);
    return node;
  }

  /** As in the names of keys. */
  get member(): string {
    return this.store.member;
  }

  /** A publisher comes; resolves when it is let in or refused. */
  publish(channel: string, streamId: string, options: PublishOptions = {}): Promise<Attempt> {
    const publish = randomUUID();
    const { keyHash = 'hash-of-key', key = 'key' } = options;
    return new Promise((resolve) => {
      this.#waiting.set(publish, {
        options,
        streamId,
        settle: (outcome) => {
          this.#waiting.delete(publish);
          resolve({ publish, channel, outcome });
          this.#events.emit('event');
        },
      });
      const about = this.store.about({ channel, key, clientIp: '192.0.2.1', query: 'a=b' });
      const start = { publish, node: this.member, startJti: `start-${publish}`, about };
      void this.store.apply(channel, {
        kind: 'come',
        candidate: { ...start, keyHash, group: '192.0.2.1' },
        now: Date.now(),
      });
    });
  }

  /** The publisher is done. */
  async leave({ channel, publish }: Attempt): Promise<void> {
    this.live.delete(publish);
    await this.store.apply(channel, { kind: 'left', publish });
  }

  /** The publisher is lost, and may come back. */
  async lose({ channel, publish }: Attempt): Promise<void> {
    await this.store.apply(channel, { kind: 'lost', publish });
  }

  /** Calls back after everything that the node hears. */
  whenTold(callback: () => void): void {
    this.#events.on('event', callback);
  }

  /** Resolves when `condition` holds; it is checked after everything that the node hears. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#events, 'event');
  }

  /** What it was told of a publish, in words. */
  heard(publish: string): string[] {
    return this.told.flatMap(({ effect }) => {
      if (effect.kind === 'ask' || effect.publish !== publish) return [];
      if (effect.kind === 'replaced')
        return [effect.conflict ? 'conflict' : effect.continues ? 'continued' : 'replaced'];
      if (effect.kind === 'ended') return [effect.why];
      return effect.kind === 'refuse' ? [effect.refusal.why] : [];
    });
  }

  perform(channel: string, effects: readonly NodeEffect[]): void {
    for (const effect of effects) {
      this.told.push({ channel, effect });
      if (effect.kind === 'ask') void this.#ask(channel, effect.start);
      else if (effect.kind === 'refuse') this.#waiting.get(effect.publish)?.settle(effect.refusal.why);
      else if (effect.kind === 'replaced' || effect.kind === 'ended') this.live.delete(effect.publish);
      else if (effect.kind === 'letIn') {
        this.live.set(effect.publish, channel);
        this.#waiting.get(effect.publish)?.settle('letIn');
      }
    }
    this.#events.emit('event');
  }

  refusalAlone(): Refusal | undefined {
    return this.#rejectsAlone ? { why: 'unreachable' } : undefined;
  }

  stopsDue(): void {
    // Not from within the step that they are of.
    setImmediate(() => void this.#pull());
  }

  channelChanged(channel: string): void {
    this.changed.push(channel);
    this.#events.emit('event');
  }

  command(text: string): void {
    this.commands.push(text);
    this.#events.emit('event');
  }

  nodeLeft(id: string): void {
    this.departures.push(id);
    this.#events.emit('event');
  }

  async #pull(): Promise<void> {
    const pulled = await this.store.pullStops(1_000);
    this.stops.push(...pulled);
    if (this.delivers) for (const { jti } of pulled) await this.store.stopDelivered(jti);
    this.#events.emit('event');
  }

  async #ask(channel: string, start: Start): Promise<void> {
    const { options, streamId = '' } = this.#waiting.get(start.publish) ?? {};
    const accepted: Answer = { kind: 'accepted', streamId, playKeyHash: 'hash-of-play-key' };
    const answer = (await options?.answer?.(start)) ?? accepted;
    await this.store.apply(channel, { kind: 'answered', start, answer, now: Date.now() });
  }
}
