import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { FAST, RecordingNode, leaseRequest } from '../service/leases/redis/recording-node';
import type { LeaseRequest } from '../../service/leases/lease-registry';
import { RedisServer } from '../support/servers/redis-server';
import { SwitchedProxy } from './switched-proxy';

const CHANNELS = 5;
const PUBLISHERS = 12;
const NODES = 4;
const CHAOS_MS = 6_000;

/** A node with its own way to Redis, whose callback handler accepts everything and is told of every stop. */
class ChaosNode {
  /** Channels with a publisher being decided on: as in a real node's hub, one at a time. */
  readonly candidates = new Set<string>();
  /** `jti` of all stops that were delivered, repetitions included. */
  readonly delivered: string[] = [];
  crashed = false;

  private constructor(
    readonly node: RecordingNode,
    readonly proxy: SwitchedProxy,
  ) {
    node.whenTold(() => this.#deliver());
  }

  static async start(redisPort: number): Promise<ChaosNode> {
    const proxy = await SwitchedProxy.start(redisPort);
    return new ChaosNode(await RecordingNode.start({ port: proxy.port }), proxy);
  }

  /** Ends without notice: undelivered stops are lost. */
  async crash(): Promise<void> {
    this.crashed = true;
    this.proxy.switchTo(undefined);
    await this.stop();
  }

  async stop(): Promise<void> {
    await this.node.registry.stop();
    await this.proxy.close();
  }

  #deliver(): void {
    if (this.crashed) return;
    for (const { jti } of this.node.stopsToSend.splice(0)) {
      this.delivered.push(jti);
      void this.node.registry.stopDelivered(jti);
    }
  }
}

/** A random number generator whose sequence can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

class Chaos {
  readonly all: ChaosNode[] = [];
  /** Publishes whose start was accepted, with the state that their stream must have. */
  readonly accepted = new Map<
    string,
    { readonly request: LeaseRequest; readonly at: ChaosNode; readonly isKnown: boolean }
  >();
  readonly continued = new Set<string>();
  over = false;

  constructor(
    readonly redis: RedisServer,
    readonly random: () => number,
  ) {}

  get living(): ChaosNode[] {
    return this.all.filter(({ crashed }) => !crashed);
  }

  async addNode(): Promise<void> {
    this.all.push(await ChaosNode.start(this.redis.port));
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)]!;
  }

  pause(maxMs: number): Promise<void> {
    return delay(this.random() * maxMs);
  }

  /** An encoder that publishes again and again, anywhere. */
  async publish(): Promise<void> {
    while (!this.over) {
      const at = this.pick(this.living);
      const request = leaseRequest(`ch-${Math.floor(this.random() * CHANNELS)}`);
      if (await this.#admit(at, request)) {
        await this.pause(800);
        // A stream that is live in the end must have its lease.
        if (!this.#isOver() && this.random() < 0.8) await this.#end(at, request);
      }
      await this.pause(200);
    }
  }

  #isOver(): boolean {
    return this.over;
  }

  async #admit(at: ChaosNode, request: LeaseRequest): Promise<boolean> {
    if (at.candidates.has(request.channel)) return false;
    at.candidates.add(request.channel);
    const isLive = await this.#begin(at, request);
    at.candidates.delete(request.channel);
    return isLive;
  }

  async #begin(at: ChaosNode, request: LeaseRequest): Promise<boolean> {
    const { registry, live } = at.node;
    const { channel, publishId } = request;
    const outcome = await registry.acquire(request);
    if (outcome.kind === 'blocked' || (outcome.kind === 'busy' && this.random() < 0.6)) return false;
    if (outcome.kind === 'busy') await registry.announce(request);
    // Meanwhile the handler is asked, which may accept although this node is gone by then. Without Redis, nobody but
    // this node knows of the publish, and its end with it.
    this.accepted.set(publishId, { request, at, isKnown: outcome.kind === 'acquired' });
    await this.pause(100);
    if (outcome.kind === 'busy') {
      const continues = this.random() < 0.5;
      const former = outcome.lease.publishId;
      const replaced = await registry.replace(request, former, continues);
      // Without an answer the request may still have been executed: then this publish's stop is that of both.
      if (continues) this.continued.add(former);
      if (!replaced) {
        await at.node.end(request, 'a-stream');
        return false;
      }
    }
    if (!(await registry.confirm(channel, publishId, { streamId: 'a-stream', playKeyHash: '' }))) {
      await at.node.end(request, 'a-stream');
      return false;
    }
    // Without Redis the node alone decides: the new publisher replaces the current one.
    const former = [...live.values()].find((lease) => lease.channel === channel);
    live.set(publishId, { ...request, state: 'live', streamId: 'a-stream', playKeyHash: '' });
    if (former) void at.node.end(former, 'a-stream');
    return true;
  }

  async #end(at: ChaosNode, request: LeaseRequest): Promise<void> {
    if (at.node.live.has(request.publishId)) await at.node.end(request, 'a-stream');
  }

  async disturb(): Promise<void> {
    while (!this.over) {
      await this.pause(400);
      const disturbance = this.random();
      if (disturbance < 0.4) {
        const { proxy } = this.pick(this.living);
        proxy.switchTo(undefined);
        await this.pause(2 * FAST.ttlMs);
        proxy.switchTo(this.redis.port);
      } else if (disturbance < 0.6) {
        this.redis.suspend();
        await this.pause(1.5 * FAST.ttlMs);
        this.redis.resume();
      } else if (disturbance < 0.8) {
        await this.redis.kill();
        await this.pause(FAST.ttlMs);
        await this.redis.start();
      } else {
        await Promise.all([this.pick(this.living).crash(), this.addNode()]);
      }
    }
  }

  /** Violations, in words; empty in the end. */
  async faults(): Promise<string[]> {
    const faults: string[] = [];
    const delivered = new Set(this.all.flatMap((node) => node.delivered));
    for (const { request, at, isKnown } of this.accepted.values()) {
      const { publishId, stop, channel } = request;
      const isLive = !at.crashed && at.node.live.has(publishId);
      const hasStop = delivered.has(stop.jti);
      if (isLive && hasStop) faults.push(`${channel}: live, and stopped`);
      if (at.crashed && !isKnown) continue;
      if (!isLive && !hasStop && !this.continued.has(publishId)) faults.push(`${channel}: ended without a stop`);
    }
    const live = this.living.flatMap(({ node }) => [...node.live.values()]);
    for (const { channel, publishId } of live) {
      if (live.filter((other) => other.channel === channel).length > 1) faults.push(`${channel}: two publishers`);
      const found = await this.pick(this.living).node.registry.locate(channel);
      if (found?.lease.publishId !== publishId) faults.push(`${channel}: the lease is not the publisher's`);
    }
    for (let i = 0; i < CHANNELS; i += 1) {
      const found = await this.pick(this.living).node.registry.locate(`ch-${i}`);
      if (found && !live.some(({ publishId }) => publishId === found.lease.publishId))
        faults.push(`ch-${i}: leased to nobody`);
    }
    return faults;
  }
}

let chaos: Chaos | undefined;

afterEach(async () => {
  await Promise.all((chaos?.living ?? []).map((node) => node.stop()));
  await chaos?.redis.remove();
});

test('whatever happens, in the end each stream has its lease or its stop, and each channel one publisher', async () => {
  const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Math.random() * 1e9));
  const redis = await RedisServer.start({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  const run = (chaos = new Chaos(redis, seeded(seed)));
  await Promise.all(Array.from({ length: NODES }, () => run.addNode()));
  const actors = [run.disturb(), ...Array.from({ length: PUBLISHERS }, () => run.publish())];
  await delay(CHAOS_MS);
  run.over = true;
  await Promise.all(actors);
  let faults = await run.faults();
  for (let patience = 60; patience > 0 && faults.length > 0; patience -= 1) {
    await delay(200);
    faults = await run.faults();
  }
  expect({ seed, faults }).toEqual({ seed, faults: [] });
  expect(run.accepted.size).toBeGreaterThan(20);
}, 60_000);
