import { randomBytes } from 'node:crypto';
import type { OutputsConfig } from '../../config/output-settings';
import type { Fact } from '../../events/fact';
import { Event } from '../../http/api/schemas/event';
import type { OutputStatus } from '../../http/api/schemas/output';
import type { Logger } from '../../logging/logger';
import type { OutputOrder } from '../../http/api/schemas/output-order';
import type { FromNode, FromProgram, StreamTold } from '../link/messages';
import { LinkServer, type LinkedProgram } from './link-server';
import { OutputsChild } from './outputs-child';
import type { OrderAnswer, OutputsLine, OutputsListener, StreamNews } from './outputs-line';

export interface OutputsHostOptions {
  readonly config: Pick<OutputsConfig, 'run' | 'link'>;
  /** The sidecar's token; not asked with a child. */
  readonly token: () => string | undefined;
  /** Id of this node or machine, for the program's log. */
  readonly node: () => string;
  /** Where clients reach this node; asked when the program connects. */
  readonly ports: () => readonly number[];
  /** The bundle of `rtmp-outputs`. */
  readonly program: string;
  readonly log: Logger;
  /** Default: as `OutputsChild` has it. */
  readonly child?: OutputsChild;
  /** A program that has not connected for so long since the node's start is told of as lost (ms). Default: a minute. */
  readonly firstMs?: number;
}

/** What a stream of this machine is known by here. */
interface HostedStream {
  told: StreamTold;
  outputs: readonly OutputStatus[];
}

/** The program that is connected. */
interface Linked {
  readonly program: LinkedProgram;
  httpPort: number | null;
}

interface WaitingOrder {
  readonly channel: string;
  readonly order: OutputOrder;
  readonly answered: (answer: OrderAnswer) => void;
  readonly late: NodeJS.Timeout;
}

const ORDER_MS = 5_000;
const LOST = 'rtmp-outputs ended, or its connection to the node broke off';
const NEVER_CAME = 'rtmp-outputs has not connected since the node started';
const FIRST_MS = 60_000;
const AWAY: OrderAnswer = { acted: false, detail: 'rtmp-outputs is not running' };

/**
 * The node's side of outputs: runs the program or waits for it, tells it of streams, and collects what it says. Nothing
 * here waits for the program, except `finish`.
 */
export class OutputsHost implements OutputsLine {
  /** Signs the tokens with which the program plays streams. */
  readonly playKey = randomBytes(32);
  readonly #options: OutputsHostOptions;
  readonly #childToken = randomBytes(32).toString('base64url');
  readonly #server: LinkServer;
  readonly #child: OutputsChild | undefined;
  readonly #streams = new Map<string, HostedStream>();
  readonly #orders = new Map<number, WaitingOrder>();
  #lastOrder = 0;
  #port = 0;
  #linked: Linked | undefined;
  #listener: OutputsListener | undefined;
  /** When the program was lost (ms of `performance.now`). */
  #downSince: number | undefined;
  #finishing: Promise<void> | undefined;
  #finished: (() => void) | undefined;
  #finishBy: number | undefined;
  #first: NodeJS.Timeout | undefined;

  constructor(options: OutputsHostOptions) {
    this.#options = options;
    const { config, log } = options;
    this.#server = new LinkServer({
      token: () => this.#token(),
      log,
      opened: (program) => this.#opened(program),
      message: (message) => this.#message(message),
      lost: () => this.#lost(),
    });
    const link = () => ({ port: this.#port, token: this.#childToken });
    this.#child =
      config.run === 'child' ? (options.child ?? new OutputsChild({ program: options.program, link, log })) : undefined;
  }

  /** Where the program answers for HLS, on 127.0.0.1, and the token that requests carry; undefined: nowhere now. */
  get http(): { readonly port: number; readonly token: string } | undefined {
    const port = this.#linked?.httpPort ?? undefined;
    const token = this.#token();
    return port === undefined || token === undefined ? undefined : { port, token };
  }

  /** Where the program connects. */
  get port(): number {
    return this.#port;
  }

  /** Process id of the child; undefined while there is none. */
  get childPid(): number | undefined {
    return this.#child?.pid;
  }

  /** @throws OperatorError when the port is taken */
  async start(): Promise<void> {
    this.#port = await this.#server.listen(this.#options.config.link.port);
    this.#child?.start();
    this.#first = setTimeout(() => this.#down(NEVER_CAME), this.#options.firstMs ?? FIRST_MS);
    this.#first.unref();
  }

  listen(listener: OutputsListener): void {
    this.#listener = listener;
  }

  tell(news: StreamNews): void {
    switch (news.what) {
      case 'live':
        this.#live(news.stream);
        break;
      case 'held': {
        const known = this.#find(news.channel, news.run);
        if (known === undefined) return;
        known.told = { ...known.told, held: true };
        this.#send({ kind: 'held', channel: news.channel, run: news.run });
        break;
      }
      case 'ended':
        if (this.#find(news.channel, news.run) === undefined) return;
        this.#streams.delete(news.channel);
        this.#send({ kind: 'ended', channel: news.channel, run: news.run, code: news.code, reason: news.reason });
    }
  }

  order(channel: string, order: OutputOrder): Promise<OrderAnswer> {
    const run = this.#streams.get(channel)?.told.run;
    if (run === undefined) return Promise.resolve({ acted: false, detail: 'no stream is live here' });
    if (this.#linked === undefined) return Promise.resolve(AWAY);
    this.#lastOrder += 1;
    const id = this.#lastOrder;
    return new Promise((answered) => {
      const late = setTimeout(
        () => this.#answer(id, { acted: false, detail: 'rtmp-outputs did not answer' }),
        ORDER_MS,
      );
      this.#orders.set(id, { channel, order, answered, late });
      this.#send({ kind: 'order', id, channel, run, order });
    });
  }

  /**
   * All streams have ended: waits until the program has completed its outputs, `withinMs` at most, and ends a child.
   */
  finish(withinMs: number): Promise<void> {
    this.#finishing ??= this.#finish(withinMs);
    return this.#finishing;
  }

  close(): void {
    clearTimeout(this.#first);
    this.#server.close();
    for (const id of this.#orders.keys()) this.#answer(id, AWAY);
  }

  async #finish(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    this.#finishBy = deadline;
    if (this.#linked !== undefined) {
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, withinMs);
        this.#finished = () => {
          clearTimeout(late);
          resolve();
        };
        this.#send({ kind: 'finish', withinMs });
      });
    }
    await this.#child?.stop(Math.max(0, deadline - performance.now()));
  }

  #token(): string | undefined {
    return this.#child === undefined ? this.#options.token() : this.#childToken;
  }

  #find(channel: string, run: string): HostedStream | undefined {
    const known = this.#streams.get(channel);
    return known?.told.run === run ? known : undefined;
  }

  #live(stream: StreamTold): void {
    const known = this.#find(stream.channel, stream.run);
    if (known === undefined) this.#streams.set(stream.channel, { told: stream, outputs: [] });
    else {
      const { startedAt, ordered } = known.told;
      known.told = { ...stream, startedAt, ...(ordered && { ordered }) };
    }
    this.#send({ kind: 'stream', stream: this.#streams.get(stream.channel)!.told });
  }

  #opened(program: LinkedProgram): void {
    clearTimeout(this.#first);
    this.#linked = { program, httpPort: null };
    const streams = [...this.#streams.values()].map(({ told }) => told);
    const runs = streams.map(({ run }) => run);
    const playKey = this.playKey.toString('base64');
    const { node, ports } = this.#options;
    this.#send({ kind: 'hello', node: node(), playKey, ports: [...ports()], runs });
    for (const stream of streams) this.#send({ kind: 'stream', stream });
    if (this.#finishBy !== undefined) {
      this.#send({ kind: 'finish', withinMs: Math.max(0, this.#finishBy - performance.now()) });
    }
    if (this.#downSince === undefined) return;
    const missingMs = Math.round(performance.now() - this.#downSince);
    this.#downSince = undefined;
    this.#options.log.info('rtmp-outputs is back', { seconds: Math.round(missingMs / 1000) });
    this.#listener?.fact({ type: 'outputs.up' });
    for (const { told, outputs } of this.#streams.values()) {
      const { channel, streamId } = told;
      for (const { id, kind } of outputs) {
        this.#listener?.fact({ type: 'output.gap', channel, streamId, output: id, kind, missingMs });
      }
    }
  }

  #lost(): void {
    this.#linked = undefined;
    for (const { told } of this.#streams.values()) this.#listener?.status(told.channel, told.run, []);
    for (const id of this.#orders.keys()) this.#answer(id, AWAY);
    this.#down(LOST);
  }

  #down(reason: string): void {
    if (this.#finishBy !== undefined) return;
    this.#downSince = performance.now();
    this.#options.log.warning('rtmp-outputs is lost: nothing is forwarded, recorded or packaged until it is back', {
      reason,
    });
    this.#listener?.fact({ type: 'outputs.down', reason });
  }

  #message(message: FromProgram): void {
    switch (message.kind) {
      case 'program':
        if (this.#linked !== undefined) this.#linked.httpPort = message.httpPort;
        break;
      case 'status': {
        const known = this.#find(message.channel, message.run);
        if (known === undefined) return;
        known.outputs = message.outputs;
        this.#listener?.status(message.channel, message.run, message.outputs);
        break;
      }
      case 'fact':
        this.#fact(message.fact);
        // Also one that cannot be understood: it would not be understood the next time.
        if (message.number !== undefined) this.#send({ kind: 'confirmed', number: message.number });
        break;
      case 'answer':
        this.#answer(message.id, { acted: message.acted, detail: message.detail });
        break;
      case 'ordered': {
        const known = this.#find(message.channel, message.run);
        if (known === undefined) return;
        known.told = { ...known.told, ordered: message.ordered };
        this.#listener?.ordered(message.channel, message.run, message.ordered);
        break;
      }
      case 'finished':
        this.#finished?.();
    }
  }

  #fact(told: { readonly type: string }): void {
    const fact = readFact(told);
    if (fact !== undefined) this.#listener?.fact(fact);
    else this.#options.log.warning('an event of rtmp-outputs cannot be understood', { type: told.type });
  }

  #answer(id: number, answer: OrderAnswer): void {
    const waiting = this.#orders.get(id);
    if (waiting === undefined) return;
    this.#orders.delete(id);
    clearTimeout(waiting.late);
    const { channel, order } = waiting;
    // Not the order itself: the address of a target contains a secret.
    this.#options.log.info('an operator gave an order', { channel, order: order.does, ...answer });
    waiting.answered(answer);
  }

  #send(message: FromNode): void {
    this.#linked?.program.send(message);
  }
}

/** An event as outputs tell it: it must be one of theirs, and have the fields that its schema says. */
function readFact(told: { readonly type: string }): Fact | undefined {
  if (!/^(?:recording|forward|output)\./.test(told.type)) return undefined;
  const stamped = Event.safeParse({ ...told, id: '', at: new Date(0).toISOString(), node: '' });
  if (!stamped.success) return undefined;
  const { id: _id, at: _at, node: _node, ...fact } = stamped.data;
  return fact;
}
