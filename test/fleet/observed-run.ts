import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet } from '../support/servers/fleet';
import { ObservedEncoders } from './observed-encoders';
import { below, FaultyHandler, KEY, type Random, randomOf } from './observed-handler';
import { ANSWER_MS, emptyHistory, GRACE_MS, type History, type Trouble } from './observed-history';
import { becomeQuiet } from './observed-quiet';
import { isFull, refusesAll, restartsWithData, restartsWithoutData } from './redis-faults';

const NODES = 3;
const CHANNELS = ['ch0', 'ch1', 'ch2', 'ch3', 'ch4', 'ch5'];
const RUN_MS = 20_000;
const KINDS = ['kill', 'freeze', 'term', 'pause', 'restart', 'loss', 'full', 'refusal', 'handler-down'] as const;
/** Of these, about as many happen in one run. */
const KINDS_OF_RUN = 5;

/** Encoders, viewers, a faulty handler, and a hand that disturbs nodes and Redis, all from one seed. */
export class ObservedRun {
  readonly history: History;
  readonly #encoders: ObservedEncoders;
  readonly #handler: FaultyHandler;
  readonly #begun = Date.now();
  readonly #random: Random;

  private constructor(
    private readonly fleet: Fleet,
    private readonly seed: number,
  ) {
    this.#random = randomOf(seed);
    const now = (): number => this.#now();
    this.#handler = new FaultyHandler(randomOf(seed + 1_000_000), now);
    this.history = emptyHistory(this.#handler);
    const observed = {
      address: (node: number) => ({ port: fleet.node(node).rtmpPort }),
      command: (text: string) => fleet.redis.publish('rtmp_commands', text),
    };
    this.#encoders = new ObservedEncoders(observed, NODES, this.history, now);
    fleet.handler.answerWith((request) => this.#handler.answer(request));
  }

  static async of(seed: number): Promise<History> {
    const environment = {
      RECONNECT_GRACE_SECONDS: String(GRACE_MS / 1000),
      CALLBACK_TIMEOUT_SECONDS: String(ANSWER_MS / 1000),
      PUBLISHER_TAKEOVER: 'YES',
      DRAIN_SECONDS: '1',
    };
    const fleet = await Fleet.start({ nodes: NODES, callbacks: true, environment });
    try {
      const run = new ObservedRun(fleet, seed);
      await run.#disturbed();
      const { history } = run;
      const [encoders, now] = [run.#encoders, () => run.#now()];
      await becomeQuiet({ history, encoders, channels: CHANNELS, nodes: NODES, redis: fleet.redis, now });
      return history;
    } finally {
      await fleet.stop();
    }
  }

  #now(): number {
    return Date.now() - this.#begun;
  }

  async #disturbed(): Promise<void> {
    const randomFor = (i: number): Random => randomOf(this.seed * 1000 + i);
    const work = CHANNELS.flatMap((channel, i) => [
      this.#encoders.useChannel(channel, randomFor(i)),
      this.#encoders.watchChannel(channel, randomFor(100 + i)),
    ]);
    await this.#disturb();
    this.#handler.mood = 'healthy';
    await this.#encoders.end(Promise.all(work), this.#random);
  }

  async #disturb(): Promise<void> {
    // Each seed begins at another kind, so that two that follow each other have all of them.
    for (let i = this.seed * KINDS_OF_RUN; this.#now() < RUN_MS; i += 1) {
      await sleep(1_500 + below(this.#random, 1_000));
      const kind = KINDS[i % KINDS.length]!;
      const isOfNode = kind === 'kill' || kind === 'freeze' || kind === 'term';
      const node = below(this.#random, NODES);
      // One that does not come back: only its node, or who finds that node dead, can send its stop.
      await Promise.race([this.#encoders.ask(`alone${i}`, node, KEY), sleep(2 * ANSWER_MS)]);
      const trouble: Trouble = { kind, ...(isOfNode && { node }), from: this.#now(), to: Infinity };
      this.history.troubles.push(trouble);
      await this.#trouble(kind, node, below(this.#random, 5_000));
      trouble.to = this.#now();
      // What a node did without Redis is lost when it dies before it has told: not promised, so not tried.
      if (!isOfNode && kind !== 'handler-down') await sleep(3_000);
    }
  }

  async #trouble(kind: (typeof KINDS)[number], at: number, lengthMs: number): Promise<void> {
    const { redis, handler } = this.fleet;
    const node = this.fleet.node(at);
    const lasts = (): Promise<unknown> => sleep(lengthMs / 2);
    switch (kind) {
      case 'freeze':
        node.program.signal('SIGSTOP');
        await sleep(1_000 + lengthMs);
        node.program.signal('SIGCONT');
        return;
      case 'kill':
      case 'term':
        await node.stop(kind === 'kill' ? 'SIGKILL' : 'SIGTERM');
        await lasts();
        await this.fleet.restartNode(at);
        return;
      case 'pause':
        await redis.withClient((client) => client.call('CLIENT', 'PAUSE', String(500 + (lengthMs >> 1)), 'ALL'));
        await redis.withClient((client) => client.ping());
        return;
      case 'restart':
        return restartsWithData(redis, lasts);
      case 'loss':
        return restartsWithoutData(redis, lasts);
      case 'full':
        return isFull(redis, lasts);
      case 'refusal':
        return refusesAll(redis, lasts);
      case 'handler-down':
        await handler.stop();
        await lasts();
        await handler.start();
    }
  }
}
