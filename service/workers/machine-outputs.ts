import type { OutputsHost } from '../outputs/host/outputs-host';
import type { OrderAnswer, StreamNews } from '../outputs/host/outputs-line';
import type { OutputOrder } from '../http/api/schemas/output-order';
import type { StreamTold } from '../outputs/link/messages';
import { type Ordered, writeOrdered } from '../outputs/link/ordered';
import type { ParentMessage } from './messages';

/** A worker, as outputs need it. */
export interface OutputsWorker {
  readonly id: string;
  send(message: ParentMessage): void;
}

/** A stream as the program knows it. */
interface HostRun {
  /** The run of the worker that had it first. */
  readonly id: string;
  /** What operators ordered of it, as it stood lately: by this a stream is known that another node had in between. */
  readonly orders: Set<string>;
}

interface OwnedRun {
  readonly worker: string;
  readonly channel: string;
  readonly host: HostRun;
}

/** A stream that a worker does not have any more, and that another one may continue. */
interface MovedRun {
  readonly host: HostRun;
  /** What is told when none does. */
  readonly end: () => void;
  readonly late: NodeJS.Timeout;
}

/**
 * How long after its end on one worker a stream may begin on another one, and keep its outputs (ms). Both hear of it at
 * the same time. If it has gone to another node, the outputs end then, so that targets take that node's.
 */
const MOVED_MS = 250;
/** Most of them: a stream that moves brings one of the last along. */
const MAX_ORDERS = 16;

type Host = Pick<OutputsHost, 'playKey' | 'tell' | 'listen' | 'order' | 'finish'>;

/** The parent's part in outputs: one `rtmp-outputs` has the streams of all workers. */
export class MachineOutputs {
  readonly #host: Host;
  readonly #workers = new Map<string, OutputsWorker>();
  /** Live streams by the run that their worker gave them. */
  readonly #runs = new Map<string, OwnedRun>();
  /** By channel. */
  readonly #moved = new Map<string, MovedRun>();
  /** Workers whose streams have all ended, with how long they wait (ms). */
  readonly #finishing = new Map<string, number>();
  readonly #allFinish: Promise<void>;
  #finishNow: (withinMs: number) => void = () => undefined;

  constructor(host: Host) {
    this.#host = host;
    this.#allFinish = new Promise<number>((resolve) => (this.#finishNow = resolve)).then((withinMs) =>
      host.finish(withinMs),
    );
    host.listen({
      status: (channel, hostRun, outputs) =>
        this.#tellOwner(hostRun, (run) => ({ kind: 'outputsStatus', channel, run, outputs })),
      ordered: (channel, hostRun, ordered) => {
        for (const { host: known } of [...this.#runs.values(), ...this.#moved.values()]) {
          if (known.id === hostRun) note(known, ordered);
        }
        this.#tellOwner(hostRun, (run) => ({ kind: 'outputsOrdered', channel, run, ordered }));
      },
      // Recordings are done when their stream, and perhaps its worker, are gone: any worker can tell of it.
      fact: (fact) => {
        const [owner] = [...this.#runs.values()].filter((run) => 'channel' in fact && run.channel === fact.channel);
        const worker = this.#workers.get(owner?.worker ?? '') ?? this.#workers.values().next().value;
        worker?.send({ kind: 'outputsFact', fact });
      },
    });
  }

  get playKey(): Buffer {
    return this.#host.playKey;
  }

  join(worker: OutputsWorker): void {
    this.#workers.set(worker.id, worker);
  }

  tell(worker: string, news: StreamNews): void {
    if (news.what === 'live') {
      const { stream } = news;
      const known =
        this.#runs.get(stream.run)?.host ?? (news.fromElsewhere === true ? this.#takeOver(stream) : undefined);
      const host = known ?? { id: stream.run, orders: new Set() };
      if (stream.ordered !== undefined) note(host, stream.ordered);
      this.#runs.set(stream.run, { worker, channel: stream.channel, host });
      this.#host.tell({ what: 'live', stream: { ...stream, run: host.id } });
      return;
    }
    // Another worker may have the stream by now.
    const owned = this.#runs.get(news.run);
    if (owned === undefined) return;
    const { host, channel } = owned;
    if (news.what === 'held') {
      this.#host.tell({ ...news, run: host.id });
      return;
    }
    this.#runs.delete(news.run);
    const end = (): void => this.#host.tell({ ...news, run: host.id });
    if (news.code !== 'moved' || this.#workers.size < 2) {
      end();
      return;
    }
    this.#host.tell({ what: 'held', channel, run: host.id });
    this.#endMoved(channel);
    const late = setTimeout(() => this.#endMoved(channel), MOVED_MS);
    this.#moved.set(channel, { host, end, late });
  }

  #tellOwner(hostRun: string, message: (run: string) => ParentMessage): void {
    const [run, owner] = [...this.#runs].find(([, owned]) => owned.host.id === hostRun) ?? [];
    if (run !== undefined && owner !== undefined) this.#workers.get(owner.worker)?.send(message(run));
  }

  /**
   * The channel's former stream on this machine, as the program knows it; that worker has it no more. Undefined if operators
   * ordered something on another node since: the outputs begin anew with that.
   */
  #takeOver({ channel, ordered }: StreamTold): HostRun | undefined {
    const isKnown = ({ orders }: HostRun): boolean => ordered === undefined || orders.has(writeOrdered(ordered));
    const moved = this.#moved.get(channel);
    if (moved !== undefined) {
      if (!isKnown(moved.host)) {
        this.#endMoved(channel);
        return undefined;
      }
      clearTimeout(moved.late);
      this.#moved.delete(channel);
      return moved.host;
    }
    const [run, owned] = [...this.#runs].find(([, other]) => other.channel === channel) ?? [];
    if (run !== undefined) this.#runs.delete(run);
    return owned !== undefined && isKnown(owned.host) ? owned.host : undefined;
  }

  #endMoved(channel: string): void {
    const moved = this.#moved.get(channel);
    if (moved === undefined) return;
    clearTimeout(moved.late);
    this.#moved.delete(channel);
    moved.end();
  }

  order(channel: string, order: OutputOrder): Promise<OrderAnswer> {
    return this.#host.order(channel, order);
  }

  /** Resolves when the outputs of all workers are completed, once all workers have ended their streams. */
  finish(worker: string, withinMs: number): Promise<void> {
    this.#finishing.set(worker, withinMs);
    this.#finishIfAll();
    return this.#allFinish;
  }

  /** A worker has ended, and its streams with it. */
  gone(worker: string): void {
    this.#workers.delete(worker);
    this.#finishing.delete(worker);
    for (const [run, owned] of this.#runs) {
      if (owned.worker !== worker) continue;
      this.#runs.delete(run);
      const reason = 'The worker process of the stream ended';
      this.#host.tell({ what: 'ended', channel: owned.channel, run: owned.host.id, code: 'lost', reason });
    }
    this.#finishIfAll();
  }

  #finishIfAll(): void {
    if (this.#finishing.size === 0 || this.#finishing.size < this.#workers.size) return;
    for (const channel of [...this.#moved.keys()]) this.#endMoved(channel);
    this.#finishNow(Math.min(...this.#finishing.values()));
  }
}

function note({ orders }: HostRun, ordered: Ordered): void {
  orders.add(writeOrdered(ordered));
  for (const oldest of orders) if (orders.size > MAX_ORDERS) orders.delete(oldest);
}
