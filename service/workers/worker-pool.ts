import cluster, { type Worker } from 'node:cluster';
import { OperatorError } from '../errors/operator-error';
import type { MemoryLives } from '../leases/memory-lives';
import type { PlayRequest } from '../http/flv/play-request';
import type { StopRecord } from '../auth/stop-record';
import { type Readiness, STARTING } from '../http/http-server';
import type { Logger } from '../logging/logger';
import type { ConnectionLimits } from '../net/gate/connection-limits';
import { closeHandle } from '../net/sockets/socket-handle';
import type { WorkerState } from '../node/node-state';
import type { ConnectionHandle } from '../session/transport';
import { Crowds } from './crowds';
import { HTTP_PORT_VARIABLE, SLOT_VARIABLE, type Answer, type Ports, type Topic, type WorkerNotice } from './messages';
import type { MachineOutputs } from './machine-outputs';
import { WorkerProcess } from './worker-process';

export interface PoolTiming {
  /** A question that takes longer counts as unanswered (ms). */
  readonly answerMs: number;
  /** A worker that misses this many checks in a row counts as hanging. */
  readonly maxMissedChecks: number;
  /**
   * A worker that does not listen after this long has failed (ms): the longest wait during a start is half a minute.
   */
  readonly startMs: number;
  /** A worker that ended is replaced after this long, doubled each time that a worker does not last (ms). */
  readonly restartMs: number;
  /** How long a worker may take to end beyond the drain time (ms). */
  readonly killMarginMs: number;
  /** The least time for sending stops that workers left behind, once all have ended (ms). */
  readonly lastStopsMs: number;
}

/** Sends the stops of streams whose workers have ended without sending them. */
export interface StopHeir {
  take(stops: readonly StopRecord[]): void;
  /** Resolves when all are sent, after `timeoutMs` at the latest. */
  finish(timeoutMs: number): Promise<void>;
}

export interface WorkerPoolOptions {
  readonly count: number;
  readonly lives: MemoryLives;
  readonly limits: ConnectionLimits;
  /** Present where streams are forwarded, recorded or packaged. */
  readonly outputs?: MachineOutputs | undefined;
  readonly drainMs: number;
  readonly log: Logger;
  /** Used at the end, when there is no other worker to send them. */
  readonly stops: StopHeir;
  readonly timing?: Partial<PoolTiming>;
  /** An operator wants this machine drained and ended. */
  drainRequested(): void;
}

const DEFAULT_TIMING: PoolTiming = {
  answerMs: 2_000,
  maxMissedChecks: 5,
  startMs: 90_000,
  restartMs: 1_000,
  killMarginMs: 2_000,
  lastStopsMs: 2_000,
};
const MAX_RESTART_MS = 30_000;
/** A worker that ran for longer than this had lasted (ms). */
const LASTED_MS = 60_000;

/** Keeps `count` worker processes running: replaces those that end, hang or cannot start. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #timing: PoolTiming;
  readonly #workers = new Map<Worker, WorkerProcess>();
  /** Timers of workers that are about to be replaced. */
  readonly #restarts = new Set<NodeJS.Timeout>();
  #httpPort: number | undefined;
  readonly #crowds = new Crowds();
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
   * @param httpPort the HTTP port of the machine, if other nodes can reach it there
   * @throws OperatorError when a worker cannot start; the others are ended then
   */
  async start(httpPort?: number): Promise<Ports> {
    this.#httpPort = httpPort;
    try {
      // The first worker starts alone, so that a fault that all would have is reported once.
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
  async ask<T extends Topic>(topic: T, ...args: Parameters<WorkerState[T]>): Promise<Answer<T>[]> {
    const asked = await this.askEach(topic, ...args);
    return asked.flatMap(({ answer }) => (answer === undefined ? [] : [answer]));
  }

  /** The same, with the workers that do not answer. */
  askEach<T extends Topic>(
    topic: T,
    ...args: Parameters<WorkerState[T]>
  ): Promise<{ readonly worker: string; readonly answer: Answer<T> | undefined }[]> {
    const workers = [...this.#workers.values()];
    return Promise.all(workers.map(async (each) => ({ worker: each.id, answer: await each.ask(topic, ...args) })));
  }

  /**
   * Gives a client of the HTTP port to the worker that has its stream. While many clients of a channel come, other
   * workers get some of them, too.
   */
  passHttpPlayer(request: PlayRequest, channel: string, handle: ConnectionHandle): void {
    const serving = [...this.#workers.values()].filter(({ serves }) => serves).sort((a, b) => a.slot - b.slot);
    const owner = this.#options.lives.locate(channel)?.owner.id;
    const first = Math.max(
      0,
      serving.findIndex(({ id }) => id === owner),
    );
    const chosen = serving[(first + this.#crowds.next(channel)) % serving.length];
    if (chosen === undefined) closeHandle(handle);
    else chosen.pass({ kind: 'httpPlayer', request }, handle);
  }

  /**
   * Ready when a worker is ready and no worker reports a fault; workers that are starting do not count, as they get no
   * clients yet. To be called regularly: ends workers that have missed too many checks.
   */
  async check(): Promise<Readiness> {
    const answers = await Promise.all([...this.#workers].map((entry) => this.#check(...entry)));
    const told = answers.filter((answer) => answer !== undefined);
    const started = told.filter(({ reason }) => reason !== STARTING.reason);
    return (
      started.find(({ ready }) => !ready) ?? started[0] ?? told[0] ?? { ready: false, reason: 'no worker answers' }
    );
  }

  /**
   * Resolves when all workers have ended, killed if they take too long, and the stops that they left behind have been
   * sent or their time is over.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    const { lives, stops, drainMs } = this.#options;
    const { killMarginMs, lastStopsMs } = this.#timing;
    const deadline = performance.now() + drainMs + killMarginMs;
    lives.leaveStopsTo((left) => stops.take(left));
    for (const restart of this.#restarts) clearTimeout(restart);
    const all = [...this.#workers.values()];
    for (const process of all) process.stop();
    const killer = setTimeout(() => this.#killAll(), drainMs + killMarginMs);
    await Promise.all(all.map(({ ended }) => ended));
    clearTimeout(killer);
    await stops.finish(Math.max(lastStopsMs, deadline - performance.now()));
  }

  /**
   * Starts a worker: resolves when it listens, rejects when it ends before that. A worker that ends later is replaced.
   */
  async #launch(): Promise<Ports> {
    const { lives, limits, outputs, log } = this.#options;
    const { answerMs, startMs } = this.#timing;
    const startedAt = performance.now();
    const slot = this.#freeSlot();
    const worker = cluster.fork({ [SLOT_VARIABLE]: slot, [HTTP_PORT_VARIABLE]: this.#httpPort ?? '' });
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
      const process = new WorkerProcess({ worker, slot, lives, limits, outputs, log, answerMs, notice, other, all });
      this.#workers.set(worker, process);
      void process.ended.then(() => {
        clearTimeout(late);
        this.#workers.delete(worker);
        const { exitCode, signalCode } = worker.process;
        const how = { code: exitCode ?? undefined, signal: signalCode ?? undefined };
        if (!listens) {
          reject(new OperatorError(reason, { cause: how }));
        } else if (!this.#stopping) {
          log.error('a worker ended, another one is started', { worker: worker.id, ...how });
          this.#replace(performance.now() - startedAt > LASTED_MS);
        }
      });
    });
  }

  #freeSlot(): number {
    const taken = new Set([...this.#workers.values()].map(({ slot }) => slot));
    let slot = 0;
    while (taken.has(slot)) slot += 1;
    return slot;
  }

  #replace(lasted: boolean): void {
    const { log } = this.#options;
    if (lasted) this.#restartMs = this.#timing.restartMs;
    const delayMs = this.#restartMs;
    this.#restartMs = Math.min(2 * delayMs, MAX_RESTART_MS);
    const restart = setTimeout(() => {
      this.#restarts.delete(restart);
      if (this.#stopping) return;
      this.#launch().catch((error: unknown) => {
        if (this.#stopping) return;
        log.error('a worker could not start, another one is started', { reason: String(error) });
        this.#replace(false);
      });
    }, delayMs);
    this.#restarts.add(restart);
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
