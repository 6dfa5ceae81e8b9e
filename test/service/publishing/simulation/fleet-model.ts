import type { LifeEvent, LifePolicy } from '../../../../service/publishing/life-events';
import { type Faults, HandlerLine } from './handler-line';
import { Judge } from './judge';
import { type HandlerRules, ModelHandler } from './model-handler';
import { ModelNode, type Publisher } from './model-node';
import { ModelStorage, type StepFunction, TTL_MS } from './model-storage';
import { VirtualTime } from './virtual-time';

export interface FleetSettings {
  readonly seed: number;
  readonly nodes: number;
  readonly policy: LifePolicy;
  readonly rules: HandlerRules;
  readonly faults: Faults;
}

export const NO_FAULTS: Faults = { questionLost: 0, answerLost: 0, slow: 0, repeated: 0, stopLost: 0 };

/** Everything that is under way has come to an end after this (ms). */
const QUIET_MS = 200_000;

/** Nodes, their registry, the handler and the encoders, on one clock. */
export class FleetModel {
  readonly time: VirtualTime;
  readonly handler: ModelHandler;
  readonly judge: Judge;
  readonly storage: ModelStorage;
  readonly line: HandlerLine;
  readonly nodes: readonly ModelNode[];
  readonly publishers: Publisher[] = [];

  constructor(settings: FleetSettings, step: StepFunction) {
    this.time = new VirtualTime(settings.seed);
    this.handler = new ModelHandler(settings.rules);
    this.judge = new Judge(this.time, this.handler);
    this.storage = new ModelStorage(this.time, this.judge);
    this.line = new HandlerLine(this.time, this.handler, this.judge, settings.faults);
    const { time, storage, line, judge } = this;
    const names = Array.from({ length: settings.nodes }, (_, at) => `node${at}`);
    this.nodes = names.map(
      (name) => new ModelNode(name, { time, storage, line, judge, step, policy: settings.policy }),
    );
    for (const node of this.nodes) judge.watch(node);
  }

  /** A publisher connects to a node, or to the next one that is alive. */
  connect(node: number, channel = 'ch', { rightKey = true, group = 'owner' } = {}): Publisher {
    const publish = `p${this.publishers.length + 1}`;
    const publisher: Publisher = { channel, rightKey, group, publish, node: this.#aliveFrom(node) };
    this.publishers.push(publisher);
    this.judge.connects(publisher);
    publisher.node.connect(publisher);
    return publisher;
  }

  disconnect(publisher: Publisher, how: 'left' | 'lost'): void {
    if (publisher.ended !== undefined) return;
    publisher.ended = how;
    publisher.endedAt = this.time.now;
    publisher.node.disconnected(publisher, how);
  }

  kill(channel = 'ch'): void {
    this.#command(channel, { kind: 'kill' });
  }

  /** Closes the stream that the channel has now. */
  close(channel = 'ch'): void {
    const streamId = this.storage.life(channel)?.stream?.id.streamId;
    if (streamId === undefined || streamId === '') return;
    this.#command(channel, { kind: 'close', streamId });
  }

  block(channel: string, forMs: number): void {
    this.#command(channel, { kind: 'block', until: this.time.now + forMs });
  }

  unblock(channel: string): void {
    this.#command(channel, { kind: 'unblock' });
  }

  /** The first node stays, so that somebody is left. */
  killNode(at: number): void {
    const node = this.nodes[at];
    if (node === undefined || at === 0 || !node.isAlive) return;
    node.die();
  }

  pauseNode(at: number, forMs: number): void {
    const node = this.nodes[at];
    if (node?.isAlive !== true || node.isAsleep) return;
    node.sleep();
    if (forMs > TTL_MS / 2) this.judge.troubled(this.time.now + forMs + TTL_MS);
    this.time.after(forMs, () => node.wake());
  }

  cutNode(at: number, forMs: number): void {
    const node = this.nodes[at];
    if (node?.isAlive === true) this.storage.cut(node.incarnation, forMs);
  }

  run(forMs: number): void {
    this.time.runUntil(this.time.now + forMs);
  }

  /** Everybody leaves and everything comes to rest; then the channels must be free for the next publisher. */
  finish(channels: readonly string[] = ['ch']): void {
    const { line, judge, storage } = this;
    storage.heal();
    for (const publisher of this.publishers) this.disconnect(publisher, 'lost');
    this.run(QUIET_MS);
    judge.quiet(storage);
    for (const [channel, active] of this.handler.active) {
      if (judge.isForgotten(channel, active)) this.handler.active.delete(channel);
    }
    line.faults = NO_FAULTS;
    line.planned.length = 0;
    const last = channels.map((channel) => this.connect(0, channel));
    this.run(1_000);
    for (const publisher of last) judge.mustBeLive(publisher, 'when all is quiet');
    for (const publisher of last) this.disconnect(publisher, 'left');
    this.run(10_000);
    judge.quiet(storage);
    judge.isClosed = true;
  }

  /** A node hears it; without one, or while the registry is away, nobody does. */
  #command(channel: string, event: LifeEvent): void {
    const node = this.nodes.find(({ isWell }) => isWell);
    node?.lives.apply(channel, event);
  }

  #aliveFrom(at: number): ModelNode {
    const { nodes } = this;
    for (let i = 0; i < nodes.length; i += 1) {
      const node = nodes[(at + i) % nodes.length]!;
      if (node.isAlive) return node;
    }
    return nodes[0]!;
  }
}
