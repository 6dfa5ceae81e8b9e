import { join } from 'node:path';
import { messageOf } from '../../errors/error-text';
import type { Logger } from '../../logging/logger';
import { recoverDirectory } from './directory-recovery';
import { DirectoryStorage } from './directory-storage';
import { Journals, type LeftJournal } from './journals';
import type { TellRecording } from './recording-fact';
import type { RecordingsPlace, StorageOptions } from './recordings-place';
import type { RecordingStorage } from './storage';

export interface DirectoryRecordingsOptions {
  readonly root: string;
  readonly tell: TellRecording;
  readonly log: Logger;
}

/** Recordings in a directory. */
export class DirectoryRecordings implements RecordingsPlace {
  readonly longestMs = 0;
  readonly largestBytes = 0;
  readonly #options: DirectoryRecordingsOptions;
  readonly #journals: Journals;
  /** Journals of dead programs whose recordings are still to be completed. */
  readonly #unfinished = new Map<string, LeftJournal>();
  /** Recordings of this program that have ended, and whose JSON the disk had no room for. */
  readonly #unsaved = new Set<DirectoryStorage>();

  constructor(options: DirectoryRecordingsOptions) {
    this.#options = options;
    this.#journals = new Journals(join(options.root, '.unfinished'));
  }

  open(options: StorageOptions): RecordingStorage {
    const storage: DirectoryStorage = new DirectoryStorage({
      ...{ ...options, root: this.#options.root, journals: this.#journals },
      onUnsaved: () => this.#unsaved.add(storage),
    });
    return storage;
  }

  beat(): void {
    this.#journals.beat();
  }

  async recover(): Promise<void> {
    const { root, tell, log } = this.#options;
    for (const storage of this.#unsaved) if (await storage.saveLate()) this.#unsaved.delete(storage);
    for (const [id, journal] of await this.#journals.adopt()) this.#unfinished.set(id, journal);
    for (const [id, journal] of this.#unfinished) {
      try {
        const isTold = await recoverDirectory({ id, journal, root, tell, log });
        // The next program tells it.
        if (!isTold) continue;
        this.#unfinished.delete(id);
        await this.#journals.remove(id);
      } catch (error) {
        log.error(`an unfinished recording cannot be completed yet: ${messageOf(error)}`, { recording: id });
      }
    }
  }

  close(): Promise<void> {
    return this.#journals.close();
  }
}
