import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LaunchOptions, LaunchPlan, ServerKind } from './server-kind';

const MODULE = '/usr/lib/nginx/modules/ngx_rtmp_module.so';

/** Debian's nginx with libnginx-mod-rtmp: one worker, chunks of 4096 bytes, all other settings at their defaults. */
export const nginxRtmp: ServerKind = {
  name: 'nginx-rtmp',
  ours: false,
  names: { app: 'bench', streamName: 's{n}' },
  version() {
    if (!existsSync(MODULE)) throw new Error('nginx-rtmp is not installed: apt-get install nginx libnginx-mod-rtmp');
    const nginx = spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr.trim().replace('nginx version: ', '');
    const query = ['-W', '-f', '${Version}', 'libnginx-mod-rtmp'];
    return `${nginx}, libnginx-mod-rtmp ${spawnSync('dpkg-query', query, { encoding: 'utf8' }).stdout.trim()}`;
  },
  prepare({ port, directory }: LaunchOptions): LaunchPlan {
    const config = join(directory, 'nginx.conf');
    mkdirSync(join(directory, 'temp'));
    writeFileSync(config, configuration(port, directory));
    return { command: 'nginx', args: ['-p', directory, '-c', config, '-e', join(directory, 'error.log')], env: {} };
  },
};

function configuration(port: number, directory: string): string {
  return `
load_module ${MODULE};
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
user root;
pid ${directory}/nginx.pid;
error_log ${directory}/error.log crit;
events { worker_connections 10000; }
rtmp {
  access_log off;
  server {
    listen 127.0.0.1:${port};
    chunk_size 4096;
    application bench { live on; }
  }
}
`;
}
