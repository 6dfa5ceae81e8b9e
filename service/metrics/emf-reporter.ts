import type { Writable } from 'node:stream';
import { LineSink } from '../logging/line-sink';
import { type EmfIdentity, emfLine } from './emf-line';
import { mergeFigures, type NodeFigures } from './node-figures';

export interface EmfReporterOptions extends EmfIdentity {
  /** The figures of all processes of this node since the last call. */
  collect(): Promise<readonly NodeFigures[]>;
  /** Default: standard output, which AWS ECS forwards to CloudWatch Logs. */
  readonly stream?: Writable;
  readonly intervalMs?: number;
}

const INTERVAL_MS = 60_000;

/**
 * Writes a node's metrics once a minute, always at the same second, chosen at random for each node. The number of lines
 * in a minute is the number of nodes, as CloudWatch counts it.
 */
export class EmfReporter {
  readonly #options: EmfReporterOptions;
  readonly #sink: LineSink;
  readonly #intervalMs: number;
  readonly #placeMs: number;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: EmfReporterOptions) {
    this.#options = options;
    this.#sink = new LineSink(options.stream ?? process.stdout);
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
    // Not close to the ends of a minute: a late timer would fall into the next minute.
    this.#placeMs = this.#intervalMs * (0.1 + 0.8 * Math.random());
    // Begins the first interval.
    void options.collect();
    this.#schedule(0);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #schedule(atLeastMs: number): void {
    const untilPlaceMs = (this.#placeMs - (Date.now() % this.#intervalMs) + this.#intervalMs) % this.#intervalMs;
    const delayMs = untilPlaceMs < atLeastMs ? untilPlaceMs + this.#intervalMs : untilPlaceMs;
    this.#timer = setTimeout(() => void this.#report(), delayMs).unref();
  }

  async #report(): Promise<void> {
    const parts = await this.#options.collect();
    if (this.#closed) return;
    if (parts.length > 0) this.#sink.write(emfLine(mergeFigures(parts), this.#options, Date.now()), droppedLine);
    // A timer may fire a little early; a minute must not have two lines.
    this.#schedule(this.#intervalMs / 4);
  }
}

function droppedLine(dropped: number): string {
  return JSON.stringify({ level: 'warning', message: 'the log is read too slowly, metrics are missing', dropped });
}
