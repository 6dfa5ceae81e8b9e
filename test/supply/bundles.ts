import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { ensureBundle, repositoryRoot } from '../support/servers/server-process';

/** A package as it is installed: two packages may contain different versions of a third one. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly folder: string;
}

let read: Metafile | undefined;

/** What esbuild says is in the bundles, by the name of the file. */
export function metafile(): Metafile {
  ensureBundle();
  return (read ??= JSON.parse(readFileSync(join(repositoryRoot, '.build/metafile.json'), 'utf8')) as Metafile);
}

export function bundleBytes(name: string): number {
  ensureBundle();
  return statSync(join(repositoryRoot, '.build', name)).size;
}

/** The packages of which a bundle contains something. */
export function packagesIn({ inputs }: Metafile['outputs'][string]): InstalledPackage[] {
  const folders = Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
    return folder !== undefined && bytesInOutput > 0 ? [folder] : [];
  });
  return [...new Set(folders)].map(installedPackage);
}

export function installedPackage(folder: string): InstalledPackage {
  const text = readFileSync(join(repositoryRoot, folder, 'package.json'), 'utf8');
  const { name, version, license } = JSON.parse(text) as { name: string; version: string; license?: string };
  return { name, version, licence: license ?? 'none', folder };
}
