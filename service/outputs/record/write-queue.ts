import { close, fdatasync, open, writev } from 'node:fs';

/** Smaller pieces are copied into blocks of this size, so that one system call writes many messages. */
const BLOCK_BYTES = 256 * 1024;
const COPIED_BYTES = 32 * 1024;

/**
 * Appends to a file. Bytes are collected; `write` hands them to the operating system, one call at a time and in order.
 * What a call of `write` found is written completely or, to readers of `written`, not at all.
 */
export class WriteQueue {
  /** Bytes of the file that the operating system has. */
  written = 0;
  /** Bytes that were appended. */
  length = 0;
  readonly #onFault: (error: NodeJS.ErrnoException) => void;
  readonly #isStored: boolean;
  #fd: number | undefined;
  #fault: NodeJS.ErrnoException | undefined;
  #block: Buffer = Buffer.alloc(0);
  #used = 0;
  #pieces: Buffer[] = [];
  /** Blocks that are full, until they are written. Nobody else has them, so one of them is then used again. */
  #full: Buffer[] = [];
  /** A block that is used next. */
  #spare: Buffer | undefined;
  /** The block whose rest is `#block`. */
  #whole = this.#block;
  #isBusy = true;
  #isDue = false;
  #synced = 0;
  #closed: (() => void) | undefined;

  /**
   * @param path when it is known; until then bytes are collected
   * @param onFault told once; all that comes later is dropped
   * @param options isStored: whether closing waits until the disk has everything
   */
  constructor(
    path: Promise<string>,
    onFault: (error: NodeJS.ErrnoException) => void,
    { isStored }: { readonly isStored: boolean } = { isStored: true },
  ) {
    this.#onFault = onFault;
    this.#isStored = isStored;
    path.then(
      (known) => open(known, 'wx', 0o644, (error, fd) => this.#opened(error, fd)),
      (error: unknown) => this.#opened(error as NodeJS.ErrnoException),
    );
  }

  get unwritten(): number {
    return this.length - this.written;
  }

  append(bytes: Buffer): void {
    this.length += bytes.length;
    if (this.#fault !== undefined) return;
    if (bytes.length > COPIED_BYTES) {
      this.#sealBlock();
      this.#pieces.push(bytes);
      return;
    }
    if (this.#used + bytes.length > this.#block.length) {
      this.#sealBlock();
      if (this.#whole.length > 0) this.#full.push(this.#whole);
      this.#block = this.#whole = this.#spare ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
      this.#spare = undefined;
      this.#used = 0;
    }
    bytes.copy(this.#block, this.#used);
    this.#used += bytes.length;
  }

  write(): void {
    this.#isDue = true;
    this.#next();
  }

  /** Asks the operating system to store on the disk what it has, unless it is busy with writing. */
  sync(): void {
    if (this.#isBusy || this.#fd === undefined || this.#synced === this.written) return;
    this.#isBusy = true;
    const { written } = this;
    fdatasync(this.#fd, (error) => {
      this.#isBusy = false;
      if (error) this.#fail(error);
      else this.#synced = written;
      this.#next();
    });
  }

  /** Writes what is left, stores it on the disk and closes the file. Resolves also after a fault. */
  close(): Promise<void> {
    this.#isDue = true;
    return new Promise((resolve) => {
      this.#closed = resolve;
      this.#next();
    });
  }

  #opened(error: NodeJS.ErrnoException | null, fd?: number): void {
    this.#isBusy = false;
    if (error) this.#fail(error);
    else this.#fd = fd;
    this.#next();
  }

  #next(): void {
    if (this.#isBusy) return;
    if (this.#fd !== undefined && this.#fault === undefined && this.#isDue && this.length > this.written) {
      this.#writeAll(this.#fd);
    } else if (this.#closed !== undefined) {
      this.#close(this.#closed);
    }
  }

  #writeAll(fd: number): void {
    this.#sealBlock();
    const pieces = this.#pieces;
    this.#pieces = [];
    const full = this.#full;
    this.#full = [];
    this.#isBusy = true;
    this.#isDue = this.#closed !== undefined;
    this.#writeRest(fd, pieces, this.length, full);
  }

  #writeRest(fd: number, pieces: Buffer[], end: number, full: Buffer[]): void {
    writev(fd, pieces, (error, count) => {
      if (error) {
        this.#isBusy = false;
        this.#fail(error);
        this.#next();
        return;
      }
      const rest = withoutStart(pieces, count);
      if (rest.length > 0) {
        this.#writeRest(fd, rest, end, full);
        return;
      }
      this.#spare ??= full[0];
      this.written = end;
      this.#isBusy = false;
      this.#next();
    });
  }

  #close(done: () => void): void {
    if (this.#fd === undefined) {
      done();
    } else if (this.#isStored && this.#synced !== this.written && this.#fault === undefined) {
      this.sync();
    } else {
      this.#isBusy = true;
      close(this.#fd, () => done());
    }
  }

  /** The block's bytes become a piece; the rest of the block is used further. */
  #sealBlock(): void {
    if (this.#used === 0) return;
    this.#pieces.push(this.#block.subarray(0, this.#used));
    this.#block = this.#block.subarray(this.#used);
    this.#used = 0;
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#fault !== undefined) return;
    this.#fault = error;
    this.#pieces = [];
    this.#full = [];
    this.#spare = undefined;
    this.#block = this.#whole = Buffer.alloc(0);
    this.#used = 0;
    this.#onFault(error);
  }
}

function withoutStart(pieces: Buffer[], count: number): Buffer[] {
  let left = count;
  let index = 0;
  while (index < pieces.length && left >= pieces[index]!.length) {
    left -= pieces[index]!.length;
    index += 1;
  }
  const rest = pieces.slice(index);
  if (rest.length > 0) rest[0] = rest[0]!.subarray(left);
  return rest;
}
