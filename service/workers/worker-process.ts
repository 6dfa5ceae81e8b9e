import type { Worker } from 'node:cluster';
import type { LifeStore } from '../leases/life-store';
import type { MemoryLives } from '../leases/memory-lives';
import { MemoryLifeStore } from '../leases/memory-life-store';
import type { WorkerState } from '../node/node-state';
import type { Readiness } from '../http/http-server';
import type { Logger } from '../logging/logger';
import type { OutputOrder } from '../http/api/schemas/output-order';

import type { MachineOutputs } from './machine-outputs';
import type { ConnectionLimits } from '../net/gate/connection-limits';
import { closeHandle } from '../net/sockets/socket-handle';
import type { ConnectionHandle } from '../session/transport';
import { HandedConnections } from './handed-connections';
import type {
  Answer,
  ConnectionMessage,
  CrowdedMessage,
  HttpPlayerMessage,
  ParentMessage,
  Topic,
  WorkerMessage,
  WorkerNotice,
} from './messages';
import { sendConnection } from './send-connection';

export interface WorkerProcessOptions {
  readonly worker: Worker;
  /** Which of the machine's workers it is, from 0. */
  readonly slot: number;
  readonly lives: MemoryLives;
  readonly limits: ConnectionLimits;
  /** Present where streams are forwarded, recorded or packaged. */
  readonly outputs: MachineOutputs | undefined;
  readonly log: Logger;
  /** A question that takes longer counts as unanswered (ms). */
  readonly answerMs: number;
  notice(notice: WorkerNotice): void;
  /** Another worker by its id. */
  other(id: string): WorkerProcess | undefined;
  /** All workers, this one included. */
  all(): Iterable<WorkerProcess>;
}

/** The parent's side of one worker: executes its requests, and releases its places and channels when it ends. */
export class WorkerProcess {
  readonly #options: WorkerProcessOptions;
  readonly id: string;
  readonly slot: number;
  /**
   * Resolves when the process has ended, or could not be started, after all its messages have been handled and its
   * places and channels have been released.
   */
  readonly ended: Promise<void>;
  readonly #questions = new Map<number, (answer: unknown) => void>();
  /** Places that its connections take, by address. */
  readonly #connections = new Map<string, number>();
  readonly #store: LifeStore;
  readonly #handed: HandedConnections;
  /** Connections of other workers that are in transit to this one. */
  readonly #passed = new Set<ConnectionHandle>();
  #lastQuestion = 0;
  #missedChecks = 0;
  #listens = false;

  constructor(options: WorkerProcessOptions) {
    this.#options = options;
    const { worker, lives, log } = options;
    this.id = `worker-${worker.id}`;
    this.slot = options.slot;
    this.#store = new MemoryLifeStore(lives, this.id);
    options.outputs?.join({ id: this.id, send: (message) => this.#send(message) });
    worker.on('message', (message: WorkerMessage, handle?: ConnectionHandle) => this.#receive(message, handle));
    this.#handed = new HandedConnections(worker);
    this.ended = new Promise((resolve) => {
      const ended = (): void => {
        this.#gone();
        resolve();
      };
      worker.process.once('close', ended);
      worker.on('error', (error) => {
        // For example a message to a worker that has just been killed: 'close' follows.
        log.debug('worker', { worker: worker.id, error: String(error) });
        // The process could not be started, for example without descriptors: no 'close' follows.
        if (worker.process.pid === undefined) ended();
      });
    });
  }

  /** Whether it serves clients. */
  get serves(): boolean {
    const { worker } = this.#options;
    return this.#listens && worker.isConnected() && !worker.isDead();
  }

  /** How many checks in a row it has missed, without any other message meanwhile. */
  get missedChecks(): number {
    return this.#missedChecks;
  }

  /** Its readiness; undefined when it does not answer, which is counted. */
  async check(): Promise<Readiness | undefined> {
    const readiness = await this.ask('ready');
    if (readiness === undefined) this.#missedChecks += 1;
    return readiness;
  }

  /** One part of its state; undefined when it does not answer in time, or has none yet. */
  ask<T extends Topic>(topic: T, ...args: Parameters<WorkerState[T]>): Promise<Answer<T> | undefined> {
    this.#lastQuestion += 1;
    const id = this.#lastQuestion;
    return new Promise((resolve) => {
      const answered = (answer: unknown): void => {
        clearTimeout(timer);
        this.#questions.delete(id);
        resolve(answer as Answer<T> | undefined);
      };
      const timer = setTimeout(() => answered(undefined), this.#options.answerMs);
      this.#questions.set(id, answered);
      this.#send({ kind: 'question', id, topic, args });
    });
  }

  stop(): void {
    this.#send({ kind: 'stop' });
  }

  #send(message: ParentMessage): void {
    const { worker } = this.#options;
    if (worker.isConnected()) worker.send(message);
  }

  /** Sends it a connection that another process has begun, or closes the connection if this worker has ended. */
  pass(message: ConnectionMessage | HttpPlayerMessage, handle: ConnectionHandle): void {
    const { worker } = this.#options;
    if (!worker.isConnected()) {
      closeHandle(handle);
      return;
    }
    this.#passed.add(handle);
    const sent = (): void => void this.#passed.delete(handle);
    if (!sendConnection((...args) => worker.process.send(...args), message, handle, sent)) sent();
  }

  /** Another worker wants no more viewers of a channel from it. */
  tellCrowded(message: CrowdedMessage): void {
    this.#send(message);
  }

  /** A test connection from this local port may come to it. */
  tellTestAnnounced(localPort: number): void {
    this.#send({ kind: 'testAnnounced', localPort });
  }

  #receive(message: WorkerMessage, handle: ConnectionHandle | undefined): void {
    this.#missedChecks = 0;
    switch (message.kind) {
      case 'request':
        void this.#execute(message.method, message.args).then((result) => {
          this.#send({ kind: 'answer', id: message.id, result });
        });
        break;
      case 'release':
        this.#releaseConnection(message.address);
        break;
      case 'connection':
        if (handle !== undefined) this.#passOn(message, handle);
        break;
      case 'crowded':
        this.#options.other(message.worker)?.tellCrowded({ ...message, worker: this.id });
        break;
      case 'outputs':
        this.#options.outputs?.tell(this.id, message.news);
        break;
      case 'report':
        this.#questions.get(message.id)?.(message.answer);
        break;
      default:
        if (message.kind === 'listening') this.#listens = true;
        this.#options.notice(message);
    }
  }

  #passOn(message: ConnectionMessage, handle: ConnectionHandle): void {
    const target = this.#options.other(message.worker);
    if (target === undefined) closeHandle(handle);
    else target.pass({ ...message, worker: this.id }, handle);
  }

  async #execute(method: string, args: readonly unknown[]): Promise<unknown> {
    if (method === 'join') return this.#join(String(args[0]), Number(args[1]));
    if (method === 'acquireConnection') return this.#acquireConnection(String(args[0]), args[1] === true);
    if (method === 'announceTest') {
      for (const worker of this.#options.all()) worker.tellTestAnnounced(Number(args[0]));
      return undefined;
    }
    const { outputs } = this.#options;
    if (method === 'outputsKey') return outputs?.playKey.toString('base64');
    if (method === 'orderOutputs') return outputs?.order(String(args[0]), args[1] as OutputOrder);
    if (method === 'finishOutputs') return outputs?.finish(this.id, Number(args[0]));
    const store = this.#store as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>>;
    const result = await store[method]?.(...args);
    // Messages are JSON, which has no buffers.
    return Buffer.isBuffer(result) ? result.toString('base64') : result;
  }

  #join(host: string, port: number): Promise<void> {
    this.#store.reachableAt(host, port);
    return this.#store.start({
      perform: (channel, effects) => this.#send({ kind: 'perform', channel, effects }),
      stopsDue: () => this.#send({ kind: 'stopsDue' }),
      channelChanged: (channel) => this.#send({ kind: 'changed', channel }),
      // The store in memory is never away, and no command is missed.
      refusalAlone: () => undefined,
      command: () => undefined,
    });
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
    for (const handle of this.#passed) closeHandle(handle);
    this.#passed.clear();
    this.#handed.release([...this.#options.all()].some((other) => other !== this && other.serves));
    for (const answered of this.#questions.values()) answered(undefined);
    this.#options.lives.lost(this.id);
    this.#options.outputs?.gone(this.id);
  }
}
