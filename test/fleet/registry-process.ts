import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import type { ChildReport, ChildTask } from './registry-child';

const NOTHING: ChildReport = { ended: [], stops: [] };

/** A node of the registry in a separate process, which can be stopped, continued and killed. */
export class RegistryProcess {
  /** All its reports. */
  report = NOTHING;
  readonly #child: ChildProcess;
  readonly #reports = new EventEmitter();

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (report: ChildReport) => {
      // The answer to a task stays, whatever is reported after it.
      this.report = { ...this.report, ...report };
      this.#reports.emit('report');
    });
  }

  static async start(redisPort: number): Promise<RegistryProcess> {
    const script = join(__dirname, 'registry-child.ts');
    const child = fork(script, [String(redisPort)], { execArgv: ['--import', 'tsx'] });
    const node = new RegistryProcess(child);
    await node.until(({ ready }) => ready === true);
    return node;
  }

  /** Publishes all channels at once; gives those that are live then, with their publishes. */
  async publish(channels: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const task: ChildTask = { publish: channels };
    this.report = NOTHING;
    this.#child.send(task);
    await this.until(({ published }) => published !== undefined);
    return new Map(this.report.published);
  }

  async until(condition: (report: ChildReport) => boolean): Promise<void> {
    while (!condition(this.report)) await once(this.#reports, 'report');
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
