import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningProgram } from '../support/programs/running-program';

/** A Python that has moto; undefined where it could not be installed. */
export const motoPython = process.env.MOTO_PYTHON;

/** Says, once for each file that would need it, why its tests are skipped. */
export function sayThatMotoIsMissing(): void {
  if (motoPython !== undefined) return;
  process.stderr.write(
    'moto is skipped: no Python with `pip install "moto[server]"` (npm test installs it, or set MOTO_PYTHON)\n',
  );
}

/** moto's server: a third party's emulator of AWS, empty at the start. */
export class Moto {
  private constructor(
    readonly url: string,
    private readonly program: RunningProgram,
    private readonly folder: string,
  ) {}

  static async start(): Promise<Moto> {
    const folder = mkdtempSync(join(tmpdir(), 'rtmp-moto-'));
    const gaps = join(folder, 'gaps');
    const requests = join(folder, 'requests');
    for (const file of [gaps, requests]) writeFileSync(file, '');
    const port = await freePort();
    const program = new RunningProgram(
      motoPython ?? 'python3',
      [join(__dirname, 'moto-server.py'), String(port), gaps, requests],
      {
        env: { PATH: process.env.PATH, ...identity },
      },
    );
    await program.waitForOutput(/Running on/, 240_000);
    return new Moto(`http://127.0.0.1:${port}`, program, folder);
  }

  /** Variables with which the AWS SDKs and the CDK's command line connect to this server only. */
  get environment(): NodeJS.ProcessEnv {
    return { ...identity, AWS_ENDPOINT_URL: this.url };
  }

  /** Stand-ins for types, attributes and updates that moto lacks, one line each. */
  get gaps(): string[] {
    return readFileSync(join(this.folder, 'gaps'), 'utf8').trim().split('\n').sort();
  }

  /** Every request so far of the APIs that are held against AWS's models, and what is wrong with it, if anything. */
  get requests(): { readonly call: string; readonly fault: string }[] {
    const lines = readFileSync(join(this.folder, 'requests'), 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as { call: string; fault: string });
  }

  /** Makes a stack look as if its last change had ended with that status, such as ROLLBACK_COMPLETE. */
  async setStackStatus(stack: string, status: string): Promise<void> {
    await fetch(new URL('/stack-status', this.url), { method: 'POST', body: JSON.stringify({ stack, status }) });
  }

  async stop(): Promise<void> {
    await this.program.stop();
    rmSync(this.folder, { recursive: true });
  }
}

const identity = {
  AWS_ACCESS_KEY_ID: 'testing',
  AWS_SECRET_ACCESS_KEY: 'testing',
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
  // A failure here repeats every time.
  AWS_MAX_ATTEMPTS: '1',
};

/** moto does not report its port, so a free port is chosen before. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
