import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningProgram } from './running-program';

export interface HaproxyOptions {
  /** Names of the ports to listen on, and the preferred number of each; another port is used if that is not free. */
  readonly ports: ReadonlyMap<string, number | undefined>;
  /** The configuration without its `global` section. */
  readonly configuration: (port: (name: string) => number) => string;
}

const ATTEMPTS = 5;
const START_MS = 10_000;

/** A real HAProxy on loopback ports. */
export class Haproxy {
  private constructor(
    private readonly program: RunningProgram,
    private readonly directory: string,
    private readonly ports: ReadonlyMap<string, number>,
  ) {}

  static async start({ ports, configuration }: HaproxyOptions): Promise<Haproxy> {
    for (let attempt = 1; ; attempt += 1) {
      const directory = mkdtempSync(join(tmpdir(), 'haproxy-'));
      const chosen = new Map<string, number>();
      for (const [name, preferred] of ports) chosen.set(name, await freePort(preferred));
      const port = (name: string): number => required(chosen.get(name), `a port named ${name}`);
      const global = `global\n  stats socket ${join(directory, 'admin')} mode 600 level admin\n`;
      writeFileSync(join(directory, 'haproxy.cfg'), `${global}${configuration(port)}`);
      const program = new RunningProgram('haproxy', ['-db', '-f', join(directory, 'haproxy.cfg')]);
      const haproxy = new Haproxy(program, directory, chosen);
      try {
        await haproxy.#untilReady();
        return haproxy;
      } catch (error) {
        await haproxy.stop();
        // Another program may have taken a port meanwhile.
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  port(name: string): number {
    return required(this.ports.get(name), `a port named ${name}`);
  }

  /** Gives a command to the running process; its answer. */
  async command(command: string): Promise<string> {
    const socket = connect(join(this.directory, 'admin'));
    await once(socket, 'connect');
    socket.end(`${command}\n`);
    return (await text(socket)).trim();
  }

  /** Status of each server, as `backend/server` -> `UP`. */
  async statuses(): Promise<Map<string, string>> {
    const rows = (await this.command('show stat -1 4 -1')).split('\n').map((row) => row.split(','));
    return new Map(rows.map((row) => [`${row[0] ?? ''}/${row[1] ?? ''}`, row[17] ?? '']));
  }

  async stop(): Promise<void> {
    await this.program.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #untilReady(): Promise<void> {
    const deadlineMs = Date.now() + START_MS;
    for (;;) {
      try {
        await this.command('show info');
        return;
      } catch (error) {
        if (!this.program.isRunning || Date.now() > deadlineMs) {
          throw new Error(`haproxy did not start:\n${this.program.output}`, { cause: error });
        }
      }
      await sleep(20);
    }
  }
}

async function freePort(preferred = 0): Promise<number> {
  const probe = createServer().listen(preferred, '127.0.0.1');
  const listening = await once(probe, 'listening').catch(() => undefined);
  if (listening === undefined) return freePort();
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`there is not ${what}`);
  return value;
}
