import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { NodeAnswer, NodesReport, NodeTask } from './node-api';

interface PendingTask {
  readonly resolve: (report: NodesReport) => void;
  readonly reject: (error: Error) => void;
}

/** The benchmark's end of one process with many nodes. */
export class Nodes {
  readonly #child: ChildProcess;
  readonly #tasks = new Map<number, PendingTask>();
  #lastId = 0;

  constructor() {
    this.#child = fork(join(__dirname, 'fleet-nodes.cjs'), [], { execArgv: ['--enable-source-maps'] });
    this.#child.on('message', ({ id, report, error }: NodeAnswer) => {
      const task = this.#tasks.get(id);
      this.#tasks.delete(id);
      if (error === undefined) task?.resolve(report);
      else task?.reject(new Error(error));
    });
    this.#child.on('exit', () => {
      for (const { reject } of this.#tasks.values()) reject(new Error('a process of nodes has ended'));
    });
  }

  run(task: NodeTask): Promise<NodesReport> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#tasks.set(id, { resolve, reject });
      this.#child.send({ id, task });
    });
  }

  /** Ends all its nodes without warning. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
