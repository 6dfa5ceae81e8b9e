import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { spawnPinned, stopProcess } from '../servers/pinned-process';
import type { GeneratorAnswer, GeneratorApis, GeneratorRequest, GeneratorRole } from './generator-api';

const CALL_TIMEOUT_MS = 120_000;

interface PendingCall {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

type Method<Role extends GeneratorRole, Name extends keyof GeneratorApis[Role]> = GeneratorApis[Role][Name] extends (
  params: infer Params,
) => Promise<infer Result>
  ? { readonly params: Params; readonly result: Result }
  : never;

/** The benchmark's end of one generator process. */
export class GeneratorProcess<Role extends GeneratorRole> {
  private readonly child: ChildProcess;
  private readonly calls = new Map<number, PendingCall>();
  private nextId = 1;

  constructor(role: Role, cores: readonly number[]) {
    const args = ['--enable-source-maps', join(__dirname, 'generator.cjs'), role];
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
    this.child = spawnPinned({ command: process.execPath, args, env: {} }, cores, __dirname, [...stdio]);
    this.child.on('message', (message) => this.settle(message as GeneratorAnswer));
    this.child.on('exit', () => this.calls.forEach(({ reject }) => reject(new Error('the load generator ended'))));
  }

  /** Makes one call. Rejects when the generator fails or has not answered after 2 minutes. */
  async call<Name extends keyof GeneratorApis[Role] & string>(
    method: Name,
    params: Method<Role, Name>['params'],
  ): Promise<Method<Role, Name>['result']> {
    const request: GeneratorRequest = { id: this.nextId++, method, params };
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Method<Role, Name>['result']>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`the load generator did not finish ${method}`)), CALL_TIMEOUT_MS);
        this.calls.set(request.id, { resolve, reject });
        this.child.send(request);
      });
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
