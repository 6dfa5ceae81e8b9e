import { mkdir, open, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../errors/error-text';
import { within } from '../../time/within';
import { documentName, fileName, stemForAttempt } from './file-names';
import type { Journals } from './journals';
import type { RecordingDocument } from './recording-document';
import type { StorageOptions } from './recordings-place';
import type { Outcome, RecordingStorage } from './storage';
import { storageFault } from './storage-fault';
import { WriteQueue } from './write-queue';

const MAX_ATTEMPTS = 1_000;
/** How long creating the folders and the JSON may take (ms). */
const RESERVE_MS = 60_000;

/** What a program needs to complete a recording that another one left. */
export interface DirectoryJournal {
  readonly document: RecordingDocument;
  /** Id of the output, for the event. */
  readonly output: string;
  /** Relative to the place of all recordings. */
  readonly folder: string;
  readonly stem: string;
}

export interface DirectoryStorageOptions extends StorageOptions {
  /** Of all recordings. */
  readonly root: string;
  readonly journals: Journals;
  /** The recording has ended, and its JSON could not be written: `saveLate` tries again. */
  readonly onUnsaved: () => void;
}

/** Files in a directory, written where they belong. */
export class DirectoryStorage implements RecordingStorage {
  readonly trouble = '';
  readonly #options: DirectoryStorageOptions;
  readonly #folder: string;
  /** The free name that was found. */
  readonly #stem: Promise<string>;
  #known: string;
  #queue: WriteQueue | undefined;
  readonly #closing: Promise<void>[] = [];
  #number = 0;
  #fault = '';
  /** Nothing more is written but by `finish` and what follows it. */
  #isOver = false;
  #isSaved = false;
  /** The name is found, and the journal is there. */
  #isReserved = false;

  constructor(options: DirectoryStorageOptions) {
    this.#options = options;
    this.#folder = join(options.root, options.name.folder);
    this.#known = options.name.stem;
    this.#stem = within(RESERVE_MS, this.#reserve(), () => {
      throw new Error('the folder could not be created in time: the disk does not answer');
    });
    this.#stem.catch((error: unknown) => this.#fail(error));
  }

  get place(): string {
    return join(this.#folder, fileName(this.#known, Math.max(1, this.#number), this.#options.document.format));
  }

  get unwritten(): number {
    return this.#queue?.unwritten ?? 0;
  }

  get waiting(): number {
    return this.unwritten;
  }

  isStored(number: number): boolean {
    return this.#options.document.files[number - 1]!.bytes > 0;
  }

  begin(number: number): void {
    this.#closeQueue();
    this.#number = number;
    const { document } = this.#options;
    const path = this.#stem.then((stem) => {
      document.files[number - 1]!.name = fileName(stem, number, document.format);
      this.publish();
      return join(this.#folder, fileName(stem, number, document.format));
    });
    this.#queue = new WriteQueue(path, (error) => this.#fail(error));
  }

  append(bytes: Buffer): void {
    this.#queue?.append(bytes);
  }

  write(): void {
    this.#queue?.write();
  }

  keep(): void {
    if (this.#isOver) return;
    this.#queue?.sync();
    // Until then, the folder of the journal may not exist.
    if (this.#isReserved && this.#fault === '') this.#saveJournal().catch((error: unknown) => this.#fail(error));
  }

  publish(): void {
    if (this.#isOver) return;
    this.#stem.then((stem) => this.#saveDocument(stem)).catch((error: unknown) => this.#fail(error));
    this.keep();
  }

  async finish(): Promise<Outcome> {
    this.#closeQueue();
    await Promise.all(this.#closing);
    this.#isOver = true;
    const { document } = this.#options;
    try {
      const stem = await this.#stem;
      if (this.#fault !== '') await this.#cutTorn();
      if (this.#fault !== '' && document.state !== 'failed') {
        Object.assign(document, { state: 'failed', code: 'storage', reason: this.#fault });
      }
      await this.#saveJournal();
      await this.#saveDocument(stem);
      this.#isSaved = true;
    } catch (error) {
      this.#fail(error);
    }
    return this.#fault === '' ? { is: 'stored' } : { is: 'fault', reason: this.#fault };
  }

  async forget(told: Promise<boolean>): Promise<void> {
    const { journals, document, onUnsaved } = this.#options;
    if (!(await told)) return;
    if (this.#isSaved || !this.#isReserved) {
      await journals.remove(document.id).catch(() => undefined);
      return;
    }
    await journals.markTold(document.id);
    onUnsaved();
  }

  /** @returns whether the JSON of an ended recording is written at last */
  async saveLate(): Promise<boolean> {
    const { journals, document } = this.#options;
    try {
      await this.#saveDocument(await this.#stem);
      await journals.remove(document.id);
      return true;
    } catch {
      return false;
    }
  }

  #closeQueue(): void {
    const queue = this.#queue;
    if (queue === undefined) return;
    const file = this.#options.document.files[this.#number - 1]!;
    this.#closing.push(queue.close().then(() => void (file.bytes = queue.written)));
  }

  /** The document reserves the name: it is created before any file, unless it or a file is there. */
  async #reserve(): Promise<string> {
    const { name, document, journals } = this.#options;
    await journals.create(document.id);
    await mkdir(this.#folder, { recursive: true });
    for (let attempt = 1; ; attempt += 1) {
      const stem = stemForAttempt(name.stem, attempt);
      const path = join(this.#folder, documentName(stem, document.format));
      const isFree = await createEmpty(path, attempt < MAX_ATTEMPTS);
      if (!isFree) continue;
      if (await exists(join(this.#folder, fileName(stem, 1, document.format)))) {
        await rm(path);
        continue;
      }
      this.#known = stem;
      try {
        await this.#saveJournal();
        await this.#saveDocument(stem);
      } catch (error) {
        await rm(path, { force: true }).catch(() => undefined);
        throw error;
      }
      this.#isReserved = true;
      return stem;
    }
  }

  #saveJournal(): Promise<void> {
    const { document, output, name, journals } = this.#options;
    const journal: DirectoryJournal = { document, output, folder: name.folder, stem: this.#known };
    return journals.save(document.id, JSON.stringify(journal));
  }

  #saveDocument(stem: string): Promise<void> {
    return saveDocument(this.#folder, stem, this.#options.document);
  }

  /** After a fault the file may end within a message. */
  async #cutTorn(): Promise<void> {
    const file = this.#options.document.files[this.#number - 1];
    if (file !== undefined) await truncate(join(this.#folder, file.name), file.bytes).catch(() => undefined);
  }

  #fail(error: unknown): void {
    if (this.#fault !== '') return;
    this.#fault = storageFault(error, this.#folder);
    this.#options.onFault(this.#fault);
  }
}

interface SavingDocument {
  /** The newest write that has not begun: it writes what the document is then. */
  next: Promise<void> | undefined;
  last: Promise<void>;
}

const saving = new Map<string, SavingDocument>();

/**
 * Writes the JSON beside the files; readers find the former one or this one. One write at a time for each path, and one
 * more that waits: it writes the document as it is when its turn comes.
 */
export function saveDocument(folder: string, stem: string, document: RecordingDocument): Promise<void> {
  const path = join(folder, documentName(stem, document.format));
  const running = saving.get(path) ?? { next: undefined, last: Promise.resolve() };
  if (running.next !== undefined) return running.next;
  const write = async (): Promise<void> => {
    running.next = undefined;
    await replaceFile(path, `${JSON.stringify(document, null, 2)}\n`).finally(() => {
      if (running.next === undefined) saving.delete(path);
    });
  };
  running.next = running.last.then(write);
  // One that failed does not keep the next one from trying.
  running.last = running.next.catch(() => undefined);
  saving.set(path, running);
  return running.next;
}

async function replaceFile(path: string, text: string): Promise<void> {
  try {
    const file = await open(`${path}.new`, 'w', 0o644);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
  } catch (error) {
    await rm(`${path}.new`, { force: true }).catch(() => undefined);
    throw error;
  }
}

async function createEmpty(path: string, mayExist: boolean): Promise<boolean> {
  try {
    await (await open(path, 'wx', 0o644)).close();
    return true;
  } catch (error) {
    if (mayExist && codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
