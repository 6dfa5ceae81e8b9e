import type { Writable } from 'node:stream';

/** Backlog that a slow reader of the log may cause; further lines are dropped and counted. */
const MAX_UNSENT_BYTES = 1024 * 1024;

/** Streams that have the error handler already: several loggers may share a stream. */
const guarded = new WeakSet<Writable>();

/**
 * Writes whole lines to a stream. A reader that goes away (EPIPE) or cannot keep up costs log lines, never a stream
 * or the process.
 */
export class LineSink {
  #dropped = 0;
  readonly #stream: Writable;

  constructor(stream: Writable) {
    this.#stream = stream;
    if (guarded.has(stream)) return;
    guarded.add(stream);
    stream.on('error', () => undefined);
  }

  /**
   * `line` is without its line end. `notice` makes the line that says how many were dropped, once lines can be written.
   */
  write(line: string, notice: (dropped: number) => string): void {
    if (!this.#stream.writable || this.#stream.writableLength > MAX_UNSENT_BYTES) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0) {
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.#stream.write(`${notice(dropped)}\n`);
    }
    this.#stream.write(`${line}\n`);
  }
}
