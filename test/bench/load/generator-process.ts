import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { spawnPinned, stopProcess } from '../servers/pinned-process';
import type { GeneratorAnswer, GeneratorApi, GeneratorMethod, GeneratorRequest } from './generator-api';

const CALL_TIMEOUT_MS = 120_000;

interface PendingCall {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The benchmark's side of the load generator, which runs in a process and on cores of its own. */
export class GeneratorProcess {
  private readonly child: ChildProcess;
  private readonly calls = new Map<number, PendingCall>();
  private nextId = 1;

  constructor(cores: readonly number[]) {
    const plan = {
      command: process.execPath,
      args: ['--enable-source-maps', join(__dirname, 'generator.cjs')],
      env: {},
    };
    this.child = spawnPinned(plan, cores, __dirname, ['ignore', 'inherit', 'inherit', 'ipc']);
    this.child.on('message', (message) => this.settle(message as GeneratorAnswer));
    this.child.on('exit', () => this.calls.forEach(({ reject }) => reject(new Error('the load generator ended'))));
  }

  /** Carries out one call. Rejects when the generator fails or has not answered after 2 minutes. */
  async call<M extends GeneratorMethod>(
    method: M,
    params: Parameters<GeneratorApi[M]>[0],
  ): Promise<Awaited<ReturnType<GeneratorApi[M]>>> {
    const request: GeneratorRequest = { id: this.nextId++, method, params };
    let timer: NodeJS.Timeout | undefined;
    try {
      const result = await new Promise((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`the load generator did not finish ${method}`)), CALL_TIMEOUT_MS);
        this.calls.set(request.id, { resolve, reject });
        this.child.send(request);
      });
      return result as Awaited<ReturnType<GeneratorApi[M]>>;
    } finally {
      clearTimeout(timer);
      this.calls.delete(request.id);
    }
  }

  /** Ends the process, and all its connections with it. */
  stop(): Promise<void> {
    return stopProcess(this.child);
  }

  private settle(answer: GeneratorAnswer): void {
    const call = this.calls.get(answer.id);
    if (answer.error === undefined) call?.resolve(answer.result);
    else call?.reject(new Error(answer.error));
  }
}
