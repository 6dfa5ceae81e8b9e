import type { SpoolBudget } from './spool-budget';
import { type Segment, segmentBytes, segmentPath } from './segments';
import { WriteQueue } from './write-queue';

export interface SpoolFileOptions {
  /** When it exists. */
  readonly folder: Promise<string>;
  /** Of the file within its recording, from 1. */
  readonly file: number;
  readonly budget: SpoolBudget;
  readonly onFault: (error: NodeJS.ErrnoException) => void;
  /** A segment is complete and closed. Segments come in order. */
  readonly onSegment: (segment: Segment) => void;
}

/** A file on the local disk, in segments that can be uploaded and removed while it grows. Each begins with a message. */
export class SpoolFile {
  readonly #options: SpoolFileOptions;
  #queue: WriteQueue;
  #number = 1;
  #start = 0;
  #path = '';
  /** Of the present segment, as far as the budget knows. */
  #counted = 0;
  #closing: Promise<void> = Promise.resolve();
  #sealed = 0;
  #hasEnded = false;

  constructor(options: SpoolFileOptions) {
    this.#options = options;
    this.#queue = this.#open();
  }

  get unwritten(): number {
    return this.#sealed + this.#queue.unwritten;
  }

  /** The segment being written, as far as the operating system has it: it ends between two messages. */
  get present(): Segment {
    return { number: this.#number, path: this.#path, start: this.#start, bytes: this.#queue.written };
  }

  append(bytes: Buffer): void {
    this.#queue.append(bytes);
  }

  /** Between two messages. */
  write(): void {
    const { length } = this.#queue;
    this.#options.budget.add(length - this.#counted);
    this.#counted = length;
    if (length < segmentBytes(this.#number)) {
      this.#queue.write();
      return;
    }
    this.#seal();
    this.#number += 1;
    this.#start += length;
    this.#counted = 0;
    this.#queue = this.#open();
  }

  /** No more comes. Resolves when `onSegment` has had all segments. */
  end(): Promise<void> {
    if (this.#hasEnded) return this.#closing;
    this.#hasEnded = true;
    this.write();
    if (this.#queue.length > 0) this.#seal();
    else this.#closing = this.#closing.then(() => this.#queue.close());
    return this.#closing;
  }

  #open(): WriteQueue {
    const { folder, file, onFault } = this.#options;
    const number = this.#number;
    const path = folder.then((known) => (this.#path = segmentPath(known, file, number)));
    return new WriteQueue(path, onFault, { isStored: false });
  }

  #seal(): void {
    const queue = this.#queue;
    const { folder, file, budget, onSegment } = this.#options;
    const [number, start, bytes] = [this.#number, this.#start, queue.length];
    const left = queue.unwritten;
    this.#sealed += left;
    const closed = queue.close();
    this.#closing = this.#closing.then(async () => {
      await closed;
      this.#sealed -= left;
      // After a fault, what the operating system has.
      budget.remove(bytes - queue.written);
      if (queue.written === 0) return;
      onSegment({ number, path: segmentPath(await folder, file, number), start, bytes: queue.written });
    });
  }
}
