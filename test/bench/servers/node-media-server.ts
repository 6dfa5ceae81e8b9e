import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { LaunchOptions, LaunchPlan, ServerKind } from './server-kind';

const require = createRequire(__filename);

/** Node-Media-Server from npm with its defaults, RTMP only, without log and recordings. */
export const nodeMediaServer: ServerKind = {
  name: 'node-media-server',
  ours: false,
  names: { app: 'bench', streamName: 's{n}' },
  version() {
    const manifest = JSON.parse(readFileSync(require.resolve('node-media-server/package.json'), 'utf8')) as {
      version: string;
    };
    return `${manifest.version}, Node.js ${process.version}`;
  },
  prepare({ port, directory }: LaunchOptions): LaunchPlan {
    const program = join(__dirname, 'node-media-server.cjs');
    return { command: process.execPath, args: [program, String(port), join(directory, 'data')], env: {} };
  },
};
