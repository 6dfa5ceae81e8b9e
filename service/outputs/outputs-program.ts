import type { OutputsConfig } from '../config/output-settings';
import type { Fact } from '../events/fact';
import type { Logger } from '../logging/logger';
import { OutputTokens } from '../relay/output-tokens';
import { within } from '../time/within';
import { forwardId } from './forward-id';
import { ConfirmedFacts } from './link/confirmed-facts';
import { LinkClient } from './link/link-client';
import type { FromNode, StreamTold } from './link/messages';
import type { OutputOpeners, Tell } from './open-outputs';
import { StreamOutputs } from './stream-outputs';
import type { StreamEnding } from './stream/output';

export interface OutputsProgramOptions {
  readonly config: OutputsConfig;
  readonly openers: (tell: Tell) => OutputOpeners;
  /** How the node is reached. */
  readonly link: { readonly port: number; readonly token: () => string | undefined };
  /** Where this program answers for HLS; undefined: nowhere. */
  readonly httpPort: () => number | undefined;
  readonly log: Logger;
  /** The node has ended all streams, and everything is completed, or the node's time is over. */
  readonly finished: () => void;
}

const STATUS_MS = 1_000;
/** While there is no link, a stream that cannot be followed for so long has ended (ms). */
const LOST_MS = 60_000;
const LOST: StreamEnding = { code: 'lost', reason: 'The connection to the node broke off' };
export const SHUTDOWN: StreamEnding = { code: 'shutdown', reason: 'The server ends' };

/** The life of the program: which streams it follows, what it is told, and what it says. */
export class OutputsProgram {
  readonly #options: OutputsProgramOptions;
  readonly #link: LinkClient;
  readonly #facts: ConfirmedFacts;
  readonly #openers: OutputOpeners;
  /** By channel. */
  readonly #streams = new Map<string, StreamOutputs>();
  /** Outputs that are completing what they have. */
  readonly #ending = new Set<Promise<void>>();
  readonly #clock: NodeJS.Timeout;
  /** Known to the node and this program alone. */
  #playKey: Buffer = Buffer.alloc(0);
  #tokens: OutputTokens | undefined;
  #completing: Promise<void> | undefined;
  /** No other node follows. */
  #isLeaving = false;

  constructor(options: OutputsProgramOptions) {
    this.#options = options;
    this.#link = new LinkClient({
      ...options.link,
      log: options.log,
      opened: () => {
        this.#link.send({ kind: 'program', pid: process.pid, httpPort: options.httpPort() ?? null });
        this.#facts.opened();
      },
      message: (message) => this.#message(message),
      lost: () => this.#facts.lost(),
    });
    this.#facts = new ConfirmedFacts(this.#link);
    this.#openers = options.openers((fact) => this.#tell(fact));
    this.#clock = setInterval(() => this.#tick(), STATUS_MS);
  }

  /** Streams that are followed now. */
  get streams(): Iterable<StreamOutputs> {
    return this.#streams.values();
  }

  start(): void {
    this.#link.connect();
  }

  /** Ends all outputs, for good; resolves when they have completed what they have, or when the time is over. */
  finish(withinMs: number, ending: StreamEnding = SHUTDOWN): Promise<void> {
    this.#isLeaving = true;
    this.#facts.leave();
    return this.#complete(withinMs, ending);
  }

  /** Waits, `withinMs` at most, until the node tells to finish, or is gone. */
  async nodeFinishes(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (this.#completing === undefined && this.#link.isOpen && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#clock);
    this.#facts.giveUp();
    await this.#openers.close();
    await this.#link.close();
  }

  /**
   * Ends all outputs, and tells the node when they have completed what they have; resolves then, or when the time is over.
   */
  async #complete(withinMs: number, ending: StreamEnding): Promise<void> {
    this.#completing ??= this.#endAll(ending);
    const isCompleted = await within(
      Math.max(0, withinMs),
      this.#completing.then(() => true),
      () => false,
    );
    if (!isCompleted) this.#options.log.warning('outputs could not be completed in time');
  }

  async #endAll(ending: StreamEnding): Promise<void> {
    for (const stream of this.#streams.values()) this.#end(stream, ending);
    await Promise.all(this.#ending);
    this.#link.send({ kind: 'finished' });
  }

  #message(message: FromNode): void {
    switch (message.kind) {
      case 'hello':
        this.#hello(message);
        break;
      case 'stream':
        this.#live(message.stream);
        break;
      case 'held':
        this.#find(message)?.held();
        break;
      case 'ended': {
        const stream = this.#find(message);
        if (stream !== undefined) this.#end(stream, message);
        break;
      }
      case 'order': {
        const stream = this.#find(message);
        const outcome = stream?.order(message.order) ?? { acted: false, detail: 'the stream has ended' };
        if (stream !== undefined) this.#tellOrdered(stream);
        this.#link.send({ kind: 'answer', id: message.id, ...outcome });
        if (stream !== undefined) this.#tellStatus(stream);
        break;
      }
      case 'confirmed':
        this.#facts.confirmed(message.number);
        break;
      case 'finish':
        void this.#complete(message.withinMs, SHUTDOWN).then(() => this.#options.finished());
    }
  }

  #hello({ node, playKey, ports, runs }: FromNode & { readonly kind: 'hello' }): void {
    this.#options.log.info('linked to the node', { node, streams: runs.length });
    // The node before has ended; a sidecar has outlived it.
    if (!this.#isLeaving) this.#completing = undefined;
    this.#playKey = Buffer.from(playKey, 'base64');
    this.#tokens = new OutputTokens(this.#playKey);
    this.#openers.nodeListensOn(ports);
    const told = new Set(runs);
    for (const stream of this.#streams.values()) if (!told.has(stream.told.run)) this.#end(stream, LOST);
  }

  #live(told: StreamTold): void {
    if (this.#completing !== undefined) return;
    const known = this.#streams.get(told.channel);
    if (known?.told.run === told.run) {
      known.continues(told);
      this.#tellOrdered(known);
      return;
    }
    if (known !== undefined) this.#end(known, { code: 'replaced', reason: 'Another stream has taken its place' });
    const { config, log } = this.#options;
    const sign = (channel: string): Promise<string> => this.#tokens?.sign(channel) ?? Promise.resolve('');
    this.#streams.set(
      told.channel,
      new StreamOutputs({
        ...{ config, told, sign, log },
        openers: this.#openers,
        forwardId: (url) => forwardId(this.#playKey, url),
        tell: (fact) => this.#tell(fact),
      }),
    );
  }

  #find({ channel, run }: { readonly channel: string; readonly run: string }): StreamOutputs | undefined {
    const stream = this.#streams.get(channel);
    return stream?.told.run === run ? stream : undefined;
  }

  #end(stream: StreamOutputs, { code, reason }: StreamEnding): void {
    this.#streams.delete(stream.told.channel);
    const ended = stream.end({ code, reason });
    this.#ending.add(ended);
    void ended.finally(() => this.#ending.delete(ended));
  }

  #tick(): void {
    for (const stream of this.#streams.values()) {
      if (!this.#link.isOpen && stream.brokenMs > LOST_MS) this.#end(stream, LOST);
      else this.#tellStatus(stream);
    }
  }

  #tell(fact: Fact): Promise<boolean> {
    if (fact.type === 'recording.done' || fact.type === 'recording.failed') return this.#facts.tell(fact);
    this.#link.send({ kind: 'fact', fact });
    return Promise.resolve(true);
  }

  #tellOrdered({ told: { channel, run }, ordered }: StreamOutputs): void {
    if (Object.values(ordered).flat().length > 0) this.#link.send({ kind: 'ordered', channel, run, ordered });
  }

  #tellStatus(stream: StreamOutputs): void {
    const { channel, run } = stream.told;
    this.#link.send({ kind: 'status', channel, run, outputs: stream.status() });
  }
}
