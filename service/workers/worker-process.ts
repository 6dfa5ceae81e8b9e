import type { Worker } from 'node:cluster';
import type { MemoryRegistry } from '../fleet/memory-registry';
import type { StreamRegistry } from '../fleet/stream-registry';
import type { ConnectionLimits } from '../net/connection-limits';
import type { ParentMessage, WorkerMessage, WorkerNotice, WorkerReport } from './messages';

/** A worker that does not answer in this time is left out of a page (ms). */
const REPORT_MS = 2_000;

export interface WorkerProcessOptions {
  readonly worker: Worker;
  readonly registry: MemoryRegistry;
  readonly limits: ConnectionLimits;
  notice(notice: WorkerNotice): void;
}

/** The parent's side of one worker: carries out what it asks, and forgets all it had when it ends. */
export class WorkerProcess {
  readonly id: string;
  readonly #options: WorkerProcessOptions;
  readonly #questions = new Map<number, (report: WorkerReport | undefined) => void>();
  /** Places that its connections take, by address. */
  readonly #connections = new Map<string, number>();
  readonly #view: StreamRegistry;
  #lastQuestion = 0;
  #unanswered = 0;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    this.id = `worker-${options.worker.id}`;
    this.#view = options.registry.member(this.id);
    options.worker.on('message', (message: WorkerMessage) => this.#receive(message));
    options.worker.on('exit', () => this.#gone());
  }

  /** How many questions it has left unanswered one after the other. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** What it has and how it is, with its figures since the last time if wanted; undefined when it does not answer. */
  report(figures = false): Promise<WorkerReport | undefined> {
    this.#lastQuestion += 1;
    const id = this.#lastQuestion;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#unanswered += 1;
        this.#questions.get(id)?.(undefined);
      }, REPORT_MS);
      this.#questions.set(id, (report) => {
        clearTimeout(timer);
        this.#questions.delete(id);
        resolve(report);
      });
      this.#send({ kind: 'question', id, figures });
    });
  }

  stop(): void {
    this.#send({ kind: 'stop' });
  }

  #send(message: ParentMessage): void {
    const { worker } = this.#options;
    if (worker.isConnected()) worker.send(message);
  }

  #receive(message: WorkerMessage): void {
    this.#unanswered = 0;
    switch (message.kind) {
      case 'request':
        void this.#execute(message.method, message.args).then((result) => {
          this.#send({ kind: 'answer', id: message.id, result });
        });
        break;
      case 'release':
        this.#releaseConnection(message.address);
        break;
      case 'report':
        this.#questions.get(message.id)?.(message);
        break;
      default:
        this.#options.notice(message);
    }
  }

  #join(host: string, port: number): Promise<void> {
    this.#view.reachableAt(host, port);
    return this.#view.start({
      order: (order) => this.#send({ kind: 'order', order }),
      channelChanged: (channel) => this.#send({ kind: 'changed', channel }),
      stopsClaimed: (stops) => this.#send({ kind: 'claimed', stops }),
      localLeases: () => [],
    });
  }

  async #execute(method: string, args: readonly unknown[]): Promise<unknown> {
    if (method === 'join') return this.#join(String(args[0]), Number(args[1]));
    if (method === 'acquireConnection') return this.#acquireConnection(String(args[0]), args[1] === true);
    const view = this.#view as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>>;
    const result = await view[method]?.(...args);
    // Buffers do not pass as they are.
    return Buffer.isBuffer(result) ? result.toString('base64') : result;
  }

  #acquireConnection(address: string, unlimited: boolean): boolean {
    if (!this.#options.limits.acquire(address, unlimited)) return false;
    this.#connections.set(address, (this.#connections.get(address) ?? 0) + 1);
    return true;
  }

  #releaseConnection(address: string): void {
    const count = this.#connections.get(address) ?? 0;
    if (count === 0) return;
    if (count === 1) this.#connections.delete(address);
    else this.#connections.set(address, count - 1);
    this.#options.limits.release(address);
  }

  #gone(): void {
    for (const [address, count] of this.#connections) {
      for (let i = 0; i < count; i += 1) this.#options.limits.release(address);
    }
    this.#connections.clear();
    for (const answer of this.#questions.values()) answer(undefined);
    this.#options.registry.lost(this.id);
  }
}
