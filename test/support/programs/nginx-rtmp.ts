import { afterAll } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../servers/redis-server';
import { Program } from './program';

const MODULE = '/usr/lib/nginx/modules/ngx_rtmp_module.so';
const ATTEMPTS = 5;
const START_MS = 15_000;

const running = new Set<NginxRtmp>();

afterAll(async () => {
  await Promise.all([...running].map((server) => server.stop()));
});

/** Debian's nginx with libnginx-mod-rtmp, on a loopback port, with the application `live`. */
export class NginxRtmp {
  private constructor(
    readonly port: number,
    private readonly program: Program,
    private readonly directory: string,
  ) {}

  static async start(): Promise<NginxRtmp> {
    if (!existsSync(MODULE)) throw new Error('nginx-rtmp is not installed: apt-get install nginx libnginx-mod-rtmp');
    for (let attempt = 1; ; attempt += 1) {
      const directory = mkdtempSync(join(tmpdir(), 'nginx-rtmp-'));
      mkdirSync(join(directory, 'temp'));
      const port = await freePort();
      const path = join(directory, 'nginx.conf');
      writeFileSync(path, configuration(port, directory));
      const args = ['-p', directory, '-c', path, '-e', join(directory, 'error.log')];
      const server = new NginxRtmp(port, new Program('nginx', args, { timeoutMs: 300_000 }), directory);
      running.add(server);
      if (await server.#listens()) return server;
      await server.stop();
      // Another program may have taken the port meanwhile.
      if (attempt === ATTEMPTS) throw new Error(`nginx did not start:\n${server.program.output}`);
    }
  }

  async stop(): Promise<void> {
    running.delete(this);
    await this.program.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #listens(): Promise<boolean> {
    const deadline = Date.now() + START_MS;
    while (this.program.isRunning && Date.now() < deadline) {
      const socket = connect(this.port, '127.0.0.1');
      const connected = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
      socket.destroy();
      if (connected) return true;
      await sleep(20);
    }
    return false;
  }
}

function configuration(port: number, directory: string): string {
  return `
load_module ${MODULE};
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log info;
events { worker_connections 256; }
rtmp {
  access_log off;
  server {
    listen 127.0.0.1:${port};
    application live { live on; wait_key on; }
  }
}
`;
}
