import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../../errors/error-text';
import { pathName } from './file-names';

/** An owner on another machine that shares the folder counts as dead when its sign of life is this old (ms). */
const OWNER_DEAD_AFTER_MS = 60_000;
const ALIVE = 'alive';
const JOURNAL = 'journal.json';
/** The journal's name from when the event has been told. */
const TOLD_JOURNAL = 'told.json';

interface Saving {
  next: string | undefined;
  done: Promise<void>;
}

/** What a dead program left of a recording. */
export interface LeftJournal {
  readonly text: string;
  /** The event has been told, and the files could not be completed. */
  readonly isTold: boolean;
}

/**
 * A folder for each recording that is not complete, below a folder of the program that writes it, its owner. After a
 * crash another program, such as the next one on this machine, takes the folder by renaming it: exactly one of them can.
 */
export class Journals {
  readonly #root: string;
  readonly #owner = `${pathName(hostname())}.${process.pid}.${randomBytes(6).toString('hex')}`;
  readonly #saving = new Map<string, Saving>();
  #opening: Promise<void> | undefined;

  /** @param root is created with the first use */
  constructor(root: string) {
    this.#root = root;
  }

  folder(id: string): string {
    return join(this.#root, this.#owner, id);
  }

  /** Creates the folder of a recording. @throws the system's error */
  async create(id: string): Promise<void> {
    await this.open();
    await mkdir(this.folder(id), { recursive: true });
  }

  /** Replaces the journal of a recording as a whole; of texts that come faster than the disk takes them, the newest. */
  save(id: string, text: string): Promise<void> {
    const running = this.#saving.get(id);
    if (running !== undefined) {
      running.next = text;
      return running.done;
    }
    const saving: Saving = { next: text, done: Promise.resolve() };
    this.#saving.set(id, saving);
    saving.done = this.#save(id, saving);
    return saving.done;
  }

  /** Notes that the event has been told. Needs no space on the disk. */
  async markTold(id: string): Promise<void> {
    await this.#saving.get(id)?.done.catch(() => undefined);
    await rename(join(this.folder(id), JOURNAL), join(this.folder(id), TOLD_JOURNAL)).catch(() => undefined);
  }

  async remove(id: string): Promise<void> {
    await this.#saving.get(id)?.done.catch(() => undefined);
    await rm(this.folder(id), { recursive: true, force: true });
  }

  /** Shows others that share the folder that this program is alive. */
  beat(): void {
    if (this.#opening === undefined) return;
    const now = new Date();
    utimes(join(this.#root, this.#owner, ALIVE), now, now).catch(() => undefined);
  }

  /** Takes the unfinished recordings of programs that are dead: their ids and journals. */
  async adopt(): Promise<Map<string, LeftJournal>> {
    const adopted = new Map<string, LeftJournal>();
    const owners = await readdir(this.#root).catch(() => []);
    for (const owner of owners) {
      if (owner === this.#owner || !(await this.#isDead(owner))) continue;
      await this.open();
      for (const id of await readdir(join(this.#root, owner)).catch(() => [])) {
        if (id === ALIVE) continue;
        const mine = await rename(join(this.#root, owner, id), this.folder(id)).then(
          () => true,
          () => false,
        );
        if (mine) adopted.set(id, await readLeft(this.folder(id)));
      }
      await this.#removeOwner(owner);
    }
    return adopted;
  }

  async close(): Promise<void> {
    if (this.#opening === undefined) return;
    const left = await readdir(join(this.#root, this.#owner)).catch(() => ['']);
    if (left.every((name) => name === ALIVE)) await this.#removeOwner(this.#owner);
  }

  /** @throws the system's error */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<void> {
    const folder = join(this.#root, this.#owner);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, ALIVE), '');
  }

  /** Nothing but an empty folder is removed. */
  async #removeOwner(owner: string): Promise<void> {
    await rm(join(this.#root, owner, ALIVE), { force: true }).catch(() => undefined);
    await rmdir(join(this.#root, owner)).catch(() => undefined);
  }

  async #save(id: string, saving: Saving): Promise<void> {
    const path = join(this.folder(id), JOURNAL);
    try {
      for (let text = saving.next; text !== undefined; text = saving.next) {
        saving.next = undefined;
        await writeFile(`${path}.new`, text);
        await rename(`${path}.new`, path);
      }
    } catch (error) {
      await rm(`${path}.new`, { force: true }).catch(() => undefined);
      throw error;
    } finally {
      this.#saving.delete(id);
    }
  }

  async #isDead(owner: string): Promise<boolean> {
    const [host, pid] = owner.split('.');
    if (host === pathName(hostname()) && (Number(pid) === process.pid || !isRunning(Number(pid)))) return true;
    const folder = join(this.#root, owner);
    const alive = await stat(join(folder, ALIVE)).catch(() => stat(folder).catch(() => undefined));
    return alive !== undefined && Date.now() - alive.mtimeMs > OWNER_DEAD_AFTER_MS;
  }
}

async function readLeft(folder: string): Promise<LeftJournal> {
  const told = await readFile(join(folder, TOLD_JOURNAL), 'utf8').catch(() => undefined);
  if (told !== undefined) return { text: told, isTold: true };
  return { text: await readFile(join(folder, JOURNAL), 'utf8').catch(() => ''), isTold: false };
}

/** Whether a process has ended, and its parent has not asked about it. Containers without an init keep such processes. */
function hasEnded(pid: number): boolean {
  try {
    const state = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
    return state === 'Z' || state === 'X';
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !hasEnded(pid);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
