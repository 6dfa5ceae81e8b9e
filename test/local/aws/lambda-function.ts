import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { RunningProgram } from '../../support/programs/running-program';
import { LambdaError } from './lambda-error';

export interface LambdaSettings {
  readonly name: string;
  /** The bundle's file, and the name that it exports. */
  readonly file: string;
  readonly handler: string;
  /** The function's own variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables that Lambda and this machine add. */
  readonly surroundings: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Called with each line that it logs. */
  readonly log: (line: string) => void;
}

type Message =
  | { readonly ready: true }
  | { readonly result?: unknown }
  | { readonly error: { readonly errorType: string; readonly errorMessage: string } };

interface Instance {
  readonly program: RunningProgram;
  busy: boolean;
}

/** Each further event waits for a free instance. More would not be faster on two cores. */
const MAX_INSTANCES = 4;

/**
 * A function in separate processes, as Lambda runs it: with only its variables, one event at a time in each instance,
 * instances started on demand and kept warm, and killed when they take too long.
 */
export class LambdaFunction {
  readonly #instances = new Set<Instance>();
  readonly #waiting: (() => void)[] = [];
  #stopped = false;

  constructor(readonly settings: LambdaSettings) {}

  /** Instances that are kept warm now. */
  get instanceCount(): number {
    return this.#instances.size;
  }

  /** @throws LambdaError with what the handler threw, or when it did not answer in time */
  async invoke(event: unknown): Promise<unknown> {
    const instance = await this.#free();
    try {
      const { timeoutMs } = this.settings;
      const message = { event, requestId: randomUUID(), deadlineMs: Date.now() + timeoutMs };
      return await this.#exchange(instance, timeoutMs, () => instance.program.child.send(message));
    } finally {
      instance.busy = false;
      this.#waiting.shift()?.();
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#instances].map(({ program }) => program.stop(500)));
  }

  /** An instance for one event. */
  async #free(): Promise<Instance> {
    for (;;) {
      if (this.#stopped) throw new LambdaError('Stopped', 'the function has been stopped');
      const idle = [...this.#instances].find(({ busy }) => !busy);
      if (idle !== undefined) {
        idle.busy = true;
        return idle;
      }
      if (this.#instances.size < MAX_INSTANCES) return this.#start();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #start(): Promise<Instance> {
    const { file, handler, variables, surroundings, log } = this.settings;
    const program = new RunningProgram(
      process.execPath,
      ['--no-warnings', join(__dirname, 'lambda-runtime.mjs'), file, handler, ...Object.keys(variables)],
      { env: { ...surroundings, ...variables }, ipc: true, onLine: log },
    );
    const instance = { program, busy: true };
    this.#instances.add(instance);
    const gone = (): void => {
      this.#instances.delete(instance);
      this.#waiting.shift()?.();
    };
    program.exited.then(gone, gone);
    await this.#exchange(instance, INIT_TIMEOUT_MS, () => undefined);
    return instance;
  }

  /** Sends a message and waits for its answer. */
  #exchange({ program }: Instance, timeoutMs: number, send: () => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        clearTimeout(late);
        program.child.off('message', onMessage);
        program.child.off('exit', onExit);
        act();
      };
      const onMessage = (message: Message): void =>
        settle(() => {
          if ('error' in message) reject(new LambdaError(message.error.errorType, message.error.errorMessage));
          else resolve('result' in message ? message.result : undefined);
        });
      const onExit = (): void =>
        settle(() =>
          reject(new LambdaError('Runtime.ExitError', `the runtime exited:\n${program.output.slice(-2000)}`)),
        );
      const late = setTimeout(() => {
        program.child.kill('SIGKILL');
        settle(() => reject(new LambdaError('Sandbox.Timedout', `timed out after ${timeoutMs / 1000} s`)));
      }, timeoutMs);
      program.child.on('message', onMessage);
      program.child.on('exit', onExit);
      send();
    });
  }
}

/** As long as Lambda waits for a function to load. */
const INIT_TIMEOUT_MS = 10_000;
