import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Program } from './program';

export interface HaproxyOptions {
  /** The port on 127.0.0.1 that connections are passed on to. */
  readonly target: number;
  /** Words behind the server's address: `send-proxy-v2 proxy-v2-options crc32c`, `check inter 50ms`. */
  readonly server: string;
  /** Ends TLS here, with this PEM text of certificate and key. */
  readonly tlsPem?: string;
}

/** A real HAProxy on a free port of 127.0.0.1. */
export interface Haproxy {
  readonly port: number;
  stop(): Promise<void>;
}

const ATTEMPTS = 5;

export async function startHaproxy(options: HaproxyOptions): Promise<Haproxy> {
  const directory = mkdtempSync(join(tmpdir(), 'haproxy-'));
  for (let attempt = 1; ; attempt += 1) {
    const [port, readyPort] = [await freePort(), await freePort()];
    const configPath = join(directory, 'haproxy.cfg');
    writeFileSync(configPath, configuration(port, readyPort, options, directory));
    const program = new Program('haproxy', ['-db', '-f', configPath], { timeoutMs: 120_000 });
    if (await listens(readyPort, program)) {
      return {
        port,
        async stop() {
          await program.kill();
          rmSync(directory, { recursive: true, force: true });
        },
      };
    }
    await program.kill();
    // Somebody else may have taken the port since.
    if (attempt === ATTEMPTS) throw new Error(`haproxy does not start:\n${program.output}`);
  }
}

function configuration(
  port: number,
  readyPort: number,
  { target, server, tlsPem }: HaproxyOptions,
  directory: string,
): string {
  const pemPath = join(directory, 'front.pem');
  if (tlsPem !== undefined) writeFileSync(pemPath, tlsPem);
  return [
    'global',
    '  maxconn 200',
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 60s',
    '  timeout server 60s',
    // Shows that it listens without a connection that goes anywhere.
    'frontend ready',
    `  bind 127.0.0.1:${readyPort}`,
    '  tcp-request connection reject',
    'frontend ingest',
    `  bind 127.0.0.1:${port}${tlsPem === undefined ? '' : ` ssl crt ${pemPath}`}`,
    '  default_backend node',
    'backend node',
    `  server node 127.0.0.1:${target} ${server}`,
    '',
  ].join('\n');
}

async function listens(port: number, program: Program): Promise<boolean> {
  while (program.isRunning) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return true;
    await delay(20);
  }
  return false;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
