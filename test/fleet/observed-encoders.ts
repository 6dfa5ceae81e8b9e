import { setTimeout as sleep } from 'node:timers/promises';
import { avc } from '../support/rtmp/media';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { below, KEY, type Random } from './observed-handler';
import { ANSWER_MS, type History, type PublisherSeen } from './observed-history';
import { frameOf, frameText, ViewerWatch } from './observed-viewers';

/** What clients need of the observed fleet. */
export interface ObservedFleet {
  /** Where clients reach the node at this time. Throws when it has no address. */
  address(node: number): { readonly host?: string; readonly port: number };
  /** Publishes an operator's command; rejects when Redis is away. */
  command(text: string): Promise<unknown>;
}

export interface Encoder {
  readonly seen: PublisherSeen;
  /** Ends it: with a command, with FIN, or with RST. */
  leave(how: number): void;
}

const FRAME_MS = 200;
/** Frames from one keyframe to the next. */
const GROUP = 5;
const FOREVER_MS = 86_400_000;

/** Encoders that come, leave, fight for channels and try wrong keys, viewers, and an operator. */
export class ObservedEncoders {
  readonly #encoders = new Set<Encoder>();
  readonly #asking = new Set<Promise<Encoder>>();
  #names = 0;
  #over = false;

  constructor(
    private readonly fleet: ObservedFleet,
    private readonly nodes: number,
    private readonly history: History,
    private readonly now: () => number,
  ) {}

  /** Uses a channel until `end`. */
  async useChannel(channel: string, random: Random): Promise<void> {
    const command = (text: string): Promise<unknown> => this.fleet.command(text).catch(() => undefined);
    const publish = async (key = KEY): Promise<void> => {
      const asking = this.ask(channel, below(random, this.nodes), key);
      // Most wait for the answer; the others are still out when the next thing happens.
      if (random() < 0.8) await Promise.race([asking, sleep(2 * ANSWER_MS)]);
    };
    while (!this.#over) {
      const present = [...this.#encoders].filter(({ seen }) => seen.channel === channel);
      const action = random();
      const how = below(random, 3);
      if (present.length === 0 || action < 0.2) await publish();
      else if (action < 0.55) {
        present[below(random, present.length)]!.leave(how);
        // Often it comes back within the grace time.
        await sleep(below(random, 1_500));
        if (random() < 0.7) await publish();
      } else if (action < 0.65) await publish('wrong');
      else if (action < 0.7) await command(`kill-session>${channel}`);
      else if (action < 0.75) {
        await command(`block>${channel}|30`);
        await sleep(below(random, 1_000));
        await command(`unblock>${channel}`);
      }
      await sleep(below(random, 1_500));
    }
  }

  /** Watches a channel until `end`, again from another node when the connection ends. */
  async watchChannel(channel: string, random: Random): Promise<void> {
    while (!this.#over) {
      await this.#watch(channel, below(random, this.nodes), () => this.#over).catch(() => undefined);
      await sleep(300);
    }
  }

  /** No more actions, and all encoders leave. */
  async end(work: Promise<unknown>, random: Random): Promise<void> {
    this.#over = true;
    await work;
    const allLeave = (): void => this.#encoders.forEach((encoder) => encoder.leave(below(random, 3)));
    allLeave();
    await Promise.all(this.#asking);
    allLeave();
  }

  /** A publisher that `end` waits for. */
  ask(channel: string, node: number, key: string): Promise<Encoder> {
    const asking = this.publish(channel, node, key);
    this.#asking.add(asking);
    void asking.finally(() => this.#asking.delete(asking));
    return asking;
  }

  /** After all have left: a channel can be published and watched, from another node, until `deadline`. */
  async publishAgain(channel: string, node: number, deadline: number): Promise<void> {
    const encoder = await this.publish(channel, node, KEY);
    if (encoder.seen.accepted === undefined) {
      const { refused } = encoder.seen;
      if (this.now() > deadline) this.history.closed.push(`${channel} on node ${node}: ${refused}`);
      else await sleep(300).then(() => this.publishAgain(channel, node, deadline));
      return;
    }
    const viewer = await RtmpClient.player({
      ...this.fleet.address((node + 1) % this.nodes),
      ...{ channel, key: KEY },
    });
    await viewer
      .nextMessage(({ payload }) => frameOf(payload)?.source === encoder.seen.name, `a frame of ${encoder.seen.name}`)
      .catch((error: unknown) => this.history.closed.push(`${channel} from node ${node}: ${String(error)}`));
    viewer.connection.socket.destroy();
    encoder.leave(0);
  }

  /** Resolves when it is accepted, or has ended. */
  async publish(channel: string, node: number, key: string): Promise<Encoder> {
    this.#names += 1;
    const name = `p${this.#names}`;
    const seen: PublisherSeen = { name, channel, node, asked: this.now() };
    let client: RtmpClient | undefined;
    const end = (): void => void (seen.ended ??= this.now());
    const encoder: Encoder = {
      seen,
      leave: (how) => {
        end();
        this.#encoders.delete(encoder);
        if (how === 0) client?.deleteStream();
        if (how === 2) client?.connection.socket.resetAndDestroy();
        else client?.connection.socket.destroySoon();
      },
    };
    try {
      client = await RtmpClient.connect({ ...this.fleet.address(node), app: channel });
      await client.createStream();
    } catch {
      client?.connection.socket.destroy();
      end();
      return encoder;
    }
    this.history.publishers.push(seen);
    this.#encoders.add(encoder);
    void client.connection.closed.then(end);
    client.sendPublish(`${key}?e=${name}`);
    await new Promise<void>((resolve) => void this.#serve(client, encoder, resolve));
    return encoder;
  }

  /** Sends frames from its acceptance to its end. */
  async #serve(client: RtmpClient, encoder: Encoder, answered: () => void): Promise<void> {
    const { seen } = encoder;
    const isStatus = ({ command }: { command?: { name: string } | undefined }): boolean => command?.name === 'onStatus';
    let timer: NodeJS.Timeout | undefined;
    for (;;) {
      const message = await client.nextMessage(isStatus, 'a status', FOREVER_MS).catch(() => undefined);
      if (message === undefined) break;
      const { code, description } = message.command!.args[1] as { code: string; description: string };
      if (code !== 'NetStream.Publish.Start') {
        if (seen.accepted === undefined) seen.refused = description;
        break;
      }
      if (seen.ended !== undefined) break;
      seen.accepted = this.now();
      client.sendVideo(0, avc.sequenceHeader());
      let sequence = 0;
      timer = setInterval(() => {
        if (seen.ended !== undefined) return;
        const text = frameText(seen.name, sequence);
        const frame = sequence % GROUP === 0 ? avc.keyframe(text) : avc.interFrame(text);
        client.sendVideo(this.now() - seen.accepted!, frame);
        sequence += 1;
      }, FRAME_MS);
      answered();
    }
    clearInterval(timer);
    encoder.leave(1);
    answered();
  }

  /** Plays until the connection ends, or `isOver`. */
  async #watch(channel: string, node: number, isOver: () => boolean): Promise<void> {
    this.#names += 1;
    const watch = new ViewerWatch(`v${this.#names}`, channel, node, this.now());
    const client = await RtmpClient.player({ ...this.fleet.address(node), channel, key: KEY });
    watch.accepted(this.now());
    this.history.players.push(watch.seen);
    try {
      while (!isOver()) {
        const message = await client
          .nextMessage(({ payload }) => frameOf(payload) !== undefined, 'a frame', 1_000)
          .catch((error: unknown) => {
            if (String(error).includes('nothing after')) return undefined;
            throw error;
          });
        if (message !== undefined) watch.frame(frameOf(message.payload)!, message.timestamp, this.now());
      }
    } catch {
      watch.seen.lost = true;
    } finally {
      watch.end(this.now());
      client.connection.socket.destroy();
    }
  }
}
