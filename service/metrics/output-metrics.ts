import { Counter, Gauge, type Registry } from 'prom-client';
import type { Event } from '../http/api/schemas/event';
import type { OutputStatus } from '../http/api/schemas/output';
import type { OutputFigures } from './node-figures';

const STATES: Readonly<Record<OutputStatus['kind'], readonly OutputStatus['state'][]>> = {
  forward: ['connecting', 'live', 'waiting', 'failed'],
  record: ['waiting', 'recording', 'spooling', 'finishing', 'failed'],
  hls: ['waiting', 'live', 'failed'],
};
const KINDS = Object.keys(STATES) as OutputStatus['kind'][];

/** Metrics of the outputs of a node's own streams, from what `rtmp-outputs` says of them. */
export class OutputMetrics {
  /** The outputs of each stream, by the stream's run. */
  readonly #streams = new Map<string, readonly OutputStatus[]>();
  #figures = noFigures();
  #isDown = false;
  readonly #bytes: Counter<'kind'>;
  readonly #gaps: Counter<'kind'>;
  readonly #forwardFailures: Counter<'result'>;
  readonly #recordings: Counter<'result'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#bytes = new Counter({
      name: 'rtmp_output_bytes_total',
      help: 'Bytes of streams that were forwarded or stored, by kind of output.',
      labelNames: ['kind'],
      registers,
    });
    this.#gaps = new Counter({
      name: 'rtmp_output_gaps_total',
      help: 'How often an output left out part of its stream, by kind of output.',
      labelNames: ['kind'],
      registers,
    });
    this.#forwardFailures = new Counter({
      name: 'rtmp_forward_failures_total',
      help: 'Outages of targets (waiting), and forwards that were given up (failed).',
      labelNames: ['result'],
      registers,
    });
    this.#recordings = new Counter({
      name: 'rtmp_recordings_total',
      help: 'Recordings that ended, by result (done, failed).',
      labelNames: ['result'],
      registers,
    });
    for (const kind of KINDS) for (const counter of [this.#bytes, this.#gaps]) counter.inc({ kind }, 0);
    for (const result of ['waiting', 'failed']) this.#forwardFailures.inc({ result }, 0);
    for (const result of ['done', 'failed']) this.#recordings.inc({ result }, 0);
    this.#registerGauges(registers);
  }

  /** What the outputs of a stream are now, whenever that is told. */
  status(run: string, outputs: readonly OutputStatus[]): void {
    const before = new Map(this.#streams.get(run)?.map(({ id, bytes }) => [id, bytes]));
    for (const { id, kind, bytes } of outputs) {
      const last = before.get(id) ?? 0;
      // An output that was opened again counts from 0.
      this.#bytes.inc({ kind }, bytes < last ? bytes : bytes - last);
    }
    this.#streams.set(run, outputs);
  }

  /** The stream has ended on this node. */
  ended(run: string): void {
    this.#streams.delete(run);
  }

  event(event: Event): void {
    if (event.type === 'output.gap') {
      this.#gaps.inc({ kind: event.kind });
      this.#figures.gaps += 1;
    } else if (event.type === 'forward.waiting' || event.type === 'forward.failed') {
      this.#forwardFailures.inc({ result: event.type === 'forward.failed' ? 'failed' : 'waiting' });
    } else if (event.type === 'recording.done') {
      this.#recordings.inc({ result: 'done' });
    } else if (event.type === 'recording.failed') {
      this.#recordings.inc({ result: 'failed' });
      this.#figures.recordingsFailed += 1;
    } else if (event.type === 'outputs.down' || event.type === 'outputs.up') {
      this.#isDown = event.type === 'outputs.down';
    }
  }

  /** The figures since the last call. */
  take(): OutputFigures {
    const taken = {
      ...this.#figures,
      forwardsFailing: this.#count(
        ({ kind, state }) => kind === 'forward' && (state === 'waiting' || state === 'failed'),
      ),
      recordingsSpooling: this.#count(({ state }) => state === 'spooling'),
      down: this.#isDown ? 1 : 0,
    };
    this.#figures = noFigures();
    return taken;
  }

  #registerGauges(registers: Registry[]): void {
    const all = (): Iterable<OutputStatus> => this.#all();
    new Gauge({
      name: 'rtmp_outputs',
      help: 'Outputs of streams published on this node, by kind and state.',
      labelNames: ['kind', 'state'],
      registers,
      collect() {
        for (const kind of KINDS) for (const state of STATES[kind]) this.set({ kind, state }, 0);
        for (const { kind, state } of all()) this.inc({ kind, state });
      },
    });
    new Gauge({
      name: 'rtmp_output_waiting_bytes',
      help: 'Recorded or packaged, in memory and on disk, and not stored yet, by kind of output.',
      labelNames: ['kind'],
      registers,
      collect() {
        for (const kind of ['record', 'hls']) this.set({ kind }, 0);
        for (const output of all()) if (output.kind !== 'forward') this.inc({ kind: output.kind }, output.waitingBytes);
      },
    });
    const isDown = (): boolean => this.#isDown;
    new Gauge({
      name: 'rtmp_outputs_down',
      help: '1 while the program of outputs is not running; of several workers, how many were told.',
      registers,
      collect() {
        this.set(isDown() ? 1 : 0);
      },
    });
  }

  #count(matches: (output: OutputStatus) => boolean): number {
    return [...this.#all()].filter(matches).length;
  }

  *#all(): Generator<OutputStatus> {
    for (const outputs of this.#streams.values()) yield* outputs;
  }
}

function noFigures(): { gaps: number; recordingsFailed: number } {
  return { gaps: 0, recordingsFailed: 0 };
}
