import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderOf, type HlsStore } from './place';

/** Names of files that are being written. */
const TEMPORARY = '.tmp';
/** Older ones belong to a program that was killed (ms). */
const LEFT_AFTER_MS = 60_000;

/** Files of a channel in a folder of the local machine. */
export class DirectoryStore implements HlsStore {
  readonly place: string;
  #isMade = false;

  constructor(directory: string, channel: string) {
    this.place = join(directory, folderOf(channel));
  }

  async read(name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.place, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async write(name: string, bytes: Buffer): Promise<void> {
    if (!this.#isMade) await this.#make();
    this.#isMade = true;
    const path = join(this.place, name);
    const temporary = `${path}${TEMPORARY}`;
    try {
      await writeFile(temporary, bytes);
      await rename(temporary, path);
    } catch (error) {
      // What there was room for keeps a full disk full.
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  /** Creates the folder, and removes what a killed program was writing there. */
  async #make(): Promise<void> {
    await mkdir(this.place, { recursive: true });
    for (const name of await readdir(this.place)) {
      if (!name.endsWith(TEMPORARY)) continue;
      const path = join(this.place, name);
      const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
      if (Date.now() - mtimeMs > LEFT_AFTER_MS) await rm(path, { force: true }).catch(() => undefined);
    }
  }

  async remove(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => rm(join(this.place, name), { force: true })));
  }
}
