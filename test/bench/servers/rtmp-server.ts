import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CERTIFICATE_FILE, KEY_FILE, type LaunchOptions, type LaunchPlan, type ServerKind } from './server-kind';

/** This project's server, as one bundled file: the build of this tree, or another one to compare it with. */
export function rtmpServer(bundle: string, name = 'this server'): ServerKind {
  const file = resolve(bundle);
  return {
    name,
    ours: true,
    names: { app: 'bench-{n}', streamName: 'key' },
    version() {
      if (!existsSync(file)) throw new Error(`there is no bundle ${file}`);
      return `Node.js ${process.version}`;
    },
    prepare(options: LaunchOptions): LaunchPlan {
      const profileArgs =
        options.profile === undefined
          ? []
          : [
              '--cpu-prof',
              `--cpu-prof-dir=${options.profile.directory}`,
              `--cpu-prof-name=${options.profile.fileName}`,
            ];
      const tls: Record<string, string> =
        options.tlsPort === undefined
          ? {}
          : {
              SSL_PORT: String(options.tlsPort),
              SSL_CERT: join(options.directory, CERTIFICATE_FILE),
              SSL_KEY: join(options.directory, KEY_FILE),
            };
      return {
        command: process.execPath,
        args: [...profileArgs, file],
        env: {
          RTMP_PORT: String(options.port),
          BIND_ADDRESS: '127.0.0.1',
          CONCURRENT_LIMIT_WHITELIST: '*',
          LOG_REQUESTS: 'NO',
          DRAIN_SECONDS: '1',
          ...tls,
          ...options.env,
        },
      };
    },
  };
}
