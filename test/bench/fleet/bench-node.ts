import { randomUUID } from 'node:crypto';
import { FleetKeys } from '../../../service/leases/fleet-keys';
import type { LifeListener, NodeEffect } from '../../../service/leases/life-store';
import { RedisLifeStore } from '../../../service/leases/redis/redis-life-store';
import type { Logger } from '../../../service/logging/logger';
import { silentLogger } from '../../../service/logging/silent-logger';

/** Stops that a node takes to deliver at a time. */
const STOPS_AT_ONCE = 50;
/** An encoder that is refused tries again after this time (ms), or up to twice that. */
const RETRY_MS = 1_000;
/** As in Redis settings of a node. */
const LOGIN = { username: undefined, password: undefined, tls: undefined, channel: 'rtmp_commands' };

/**
 * A node's part in the fleet without its clients: the real store of lives, and stand-ins for publishers and for the
 * callback handler, which accepts everybody at once.
 */
export class BenchNode implements LifeListener {
  readonly store: RedisLifeStore;
  /** Channels whose publishers are on this node, and their publishes. */
  readonly live = new Map<string, string>();
  /** Stream ids of publishers that this node has let in and that have not left, by channel. */
  readonly streams = new Map<string, string>();
  stopsDelivered = 0;
  /** Called with each stop before it is delivered. */
  onStop: (channel: string, streamId: string) => void = () => undefined;
  /** How often the node took Redis for away. */
  timesAway = 0;
  /** The latest reason. */
  whyAway = '';
  readonly #answers = new Map<string, (isLetIn: boolean) => void>();
  #isPulling = false;

  constructor(id: string, port: number) {
    const log: Logger = {
      ...silentLogger,
      warning: (text) => {
        if (!text.includes('cannot be used')) return;
        this.timesAway += 1;
        this.whyAway = text;
      },
    };
    const keys = new FleetKeys();
    keys.use('the same for all nodes');
    this.store = new RedisLifeStore({
      config: { ...LOGIN, host: '127.0.0.1', port },
      address: { id, host: '10.0.0.1', port: 1935, proxyHeader: false },
      policy: { takeover: true, resumes: true },
      log,
      keys,
    });
  }

  start(): Promise<void> {
    return this.store.start(this);
  }

  /** One publisher comes; resolves when it is let in or refused. */
  async publish(channel: string): Promise<boolean> {
    const publish = randomUUID();
    const answered = new Promise<boolean>((resolve) => this.#answers.set(publish, resolve));
    const about = this.store.about({ channel, key: `key-of-${channel}`, clientIp: '192.0.2.1', query: '' });
    const start = { publish, node: this.store.member, startJti: randomUUID(), about };
    const candidate = { ...start, keyHash: `hash-of-${channel}`, group: '192.0.2.1' };
    await this.store.apply(channel, { kind: 'come', candidate, now: Date.now() });
    const isLetIn = await answered;
    if (isLetIn) this.live.set(channel, publish);
    return isLetIn;
  }

  /** As an encoder does: tries again until it is let in. */
  async publishUntilLive(channel: string): Promise<void> {
    while (!(await this.publish(channel))) {
      await new Promise((wake) => setTimeout(wake, RETRY_MS * (1 + Math.random())));
    }
  }

  /** The publisher is done, or was lost and may come back. */
  async leave(channel: string, how: 'left' | 'lost'): Promise<void> {
    const publish = this.live.get(channel);
    if (publish === undefined) return;
    this.live.delete(channel);
    this.streams.delete(channel);
    await this.store.apply(channel, { kind: how, publish });
  }

  perform(channel: string, effects: readonly NodeEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'ask') {
        const { start } = effect;
        const answer = { kind: 'accepted', streamId: start.resume ?? randomUUID(), playKeyHash: 'hash' } as const;
        void this.store.apply(channel, { kind: 'answered', start, answer, now: Date.now() });
      } else if (effect.kind === 'letIn' || effect.kind === 'refuse') {
        if (effect.kind === 'letIn') this.streams.set(channel, effect.id.streamId);
        this.#answers.get(effect.publish)?.(effect.kind === 'letIn');
        this.#answers.delete(effect.publish);
      } else if (effect.kind !== 'grace' && this.live.get(channel) === effect.publish) {
        this.live.delete(channel);
        this.streams.delete(channel);
      }
    }
  }

  stopsDue(): void {
    if (this.#isPulling) return;
    this.#isPulling = true;
    void this.#deliverStops().finally(() => (this.#isPulling = false));
  }

  refusalAlone(): undefined {
    return undefined;
  }

  channelChanged(): void {}

  command(): void {}

  async #deliverStops(): Promise<void> {
    for (;;) {
      const stops = await this.store.pullStops(STOPS_AT_ONCE);
      if (stops.length === 0) return;
      for (const { jti, channel, streamId } of stops) {
        this.onStop(channel, streamId);
        await this.store.stopDelivered(jti);
      }
      this.stopsDelivered += stops.length;
    }
  }
}
