import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { WrongArgument } from '../../support/programs/arguments.cjs';
import { describedServer } from './described-server';
import { nodeMediaServer } from './node-media-server';
import { rtmpServer } from './rtmp-server';
import type { ServerKind } from './server-kind';

const PEERS_DIRECTORY = join('test', 'bench', 'peers');

/** The names of the servers that this repository describes. */
export function describedPeers(): string[] {
  return readdirSync(PEERS_DIRECTORY).map((file) => basename(file, '.json'));
}

/** The server that `--against` names. */
export function serverNamed(name: string): ServerKind {
  if (name === nodeMediaServer.name) return nodeMediaServer;
  if (name.endsWith('.cjs')) return rtmpServer(name, basename(name));
  if (name.endsWith('.json')) return describedServer(name);
  const description = join(PEERS_DIRECTORY, `${name}.json`);
  if (existsSync(description)) return describedServer(description);
  const known = [nodeMediaServer.name, ...describedPeers()].join(', ');
  throw new WrongArgument(`--against ${name}: neither ${known} nor a .json or .cjs file`);
}
