import cluster, { type Worker } from 'node:cluster';
import type { MemoryRegistry } from '../leases/memory-registry';
import { type Readiness, STARTING } from '../http/http-server';
import type { Logger } from '../logging/logger';
import type { ConnectionLimits } from '../net/gate/connection-limits';
import type { Answer, Ports, Topic, WorkerNotice } from './messages';
import { WorkerProcess } from './worker-process';

export interface PoolTiming {
  /** A question that takes longer counts as not answered (ms). */
  readonly answerMs: number;
  /** A worker that misses so many checks in a row will answer none any more. */
  readonly maxMissedChecks: number;
  /** A worker that does not listen after so long never will (ms): the longest wait in a start is half a minute. */
  readonly startMs: number;
  /** A worker that ended is replaced after this long, doubled each time that one does not last (ms). */
  readonly restartMs: number;
  /** What a worker may take to end beyond the drain time (ms). */
  readonly killMarginMs: number;
}

export interface WorkerPoolOptions {
  readonly count: number;
  readonly registry: MemoryRegistry;
  readonly limits: ConnectionLimits;
  readonly drainMs: number;
  readonly log: Logger;
  readonly timing?: Partial<PoolTiming>;
  /** An operator wants this machine emptied and ended. */
  drainRequested(): void;
}

const DEFAULT_TIMING: PoolTiming = {
  answerMs: 2_000,
  maxMissedChecks: 10,
  startMs: 90_000,
  restartMs: 1_000,
  killMarginMs: 2_000,
};
const MAX_RESTART_MS = 30_000;
/** A worker that ended after this long had lasted (ms). */
const LASTED_MS = 60_000;

/** Keeps so many worker processes running: replaces those that end, hang, or do not manage to start. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #timing: PoolTiming;
  readonly #workers = new Map<Worker, WorkerProcess>();
  #stopping = false;
  #restartMs: number;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#restartMs = this.#timing.restartMs;
  }

  /**
   * Resolves when all workers listen.
   *
   * @throws Error fit for an operator when one of them cannot start; the others are ended then
   */
  async start(): Promise<Ports> {
    try {
      // Whatever keeps all of them from starting is told once, by the first.
      const ports = await this.#launch();
      const others = Array.from({ length: this.#options.count - 1 }, () => this.#launch());
      await Promise.all(others);
      return ports;
    } catch (error) {
      this.#stopping = true;
      this.#killAll();
      throw error;
    }
  }

  /** One part of the state of every worker that answers. */
  async ask<T extends Topic>(topic: T): Promise<Answer<T>[]> {
    const answers = await Promise.all([...this.#workers.values()].map((worker) => worker.ask(topic)));
    return answers.filter((answer) => answer !== undefined);
  }

  /**
   * Ready when a worker is, and none says that it is not; one that starts gets no clients yet. To be called regularly:
   * ends workers that have missed too many checks.
   */
  async check(): Promise<Readiness> {
    const answers = await Promise.all([...this.#workers].map((entry) => this.#check(...entry)));
    const told = answers.filter((answer) => answer !== undefined);
    const started = told.filter(({ reason }) => reason !== STARTING.reason);
    return (
      started.find(({ ready }) => !ready) ?? started[0] ?? told[0] ?? { ready: false, reason: 'no worker answers' }
    );
  }

  /** Resolves when all workers have ended, by themselves or, if they take too long, by force. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const ends = [...this.#workers].map(([worker, process]) => {
      process.stop();
      return new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    });
    const killer = setTimeout(() => this.#killAll(), this.#options.drainMs + this.#timing.killMarginMs);
    await Promise.all(ends);
    clearTimeout(killer);
  }

  /** Starts a worker: resolves when it listens, rejects when it ends before. Once it listens it is replaced. */
  #launch(): Promise<Ports> {
    const { registry, limits, log } = this.#options;
    const { answerMs, startMs } = this.#timing;
    const startedAt = performance.now();
    const worker = cluster.fork();
    return new Promise((resolve, reject) => {
      let listens = false;
      let reason = 'a worker ended before it listened';
      const giveUp = (why: string): void => {
        reason = why;
        worker.process.kill('SIGKILL');
      };
      const late = setTimeout(() => giveUp(`a worker did not listen within ${startMs / 1000} s`), startMs);
      const notice = (said: WorkerNotice): void => {
        if (said.kind === 'drainRequested') this.#options.drainRequested();
        else if (said.kind === 'failed') giveUp(said.reason);
        else {
          clearTimeout(late);
          listens = true;
          resolve(said.ports);
        }
      };
      const other = (id: string) => [...this.#workers.values()].find((process) => process.id === id);
      const all = (): Iterable<WorkerProcess> => this.#workers.values();
      this.#workers.set(worker, new WorkerProcess({ worker, registry, limits, log, answerMs, notice, other, all }));
      worker.on('exit', (code, signal) => {
        clearTimeout(late);
        this.#workers.delete(worker);
        if (!listens) {
          reject(new Error(reason, { cause: { code, signal } }));
        } else if (!this.#stopping) {
          log.error('a worker ended, another one is started', { worker: worker.id, code, signal });
          this.#replace(performance.now() - startedAt > LASTED_MS);
        }
      });
    });
  }

  #replace(lasted: boolean): void {
    const { log } = this.#options;
    if (lasted) this.#restartMs = this.#timing.restartMs;
    const delayMs = this.#restartMs;
    this.#restartMs = Math.min(2 * delayMs, MAX_RESTART_MS);
    setTimeout(() => {
      if (this.#stopping) return;
      this.#launch().catch((error: unknown) => {
        if (this.#stopping) return;
        log.error('a worker could not start, another one is started', { reason: String(error) });
        this.#replace(false);
      });
    }, delayMs);
  }

  async #check(worker: Worker, process: WorkerProcess): Promise<Readiness | undefined> {
    const readiness = await process.check();
    if (process.missedChecks >= this.#timing.maxMissedChecks && this.#workers.has(worker)) {
      this.#options.log.error('a worker does not answer', { worker: worker.id });
      worker.process.kill('SIGKILL');
    }
    return readiness;
  }

  #killAll(): void {
    for (const worker of this.#workers.keys()) worker.process.kill('SIGKILL');
  }
}
