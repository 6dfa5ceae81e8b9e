import type { OutputsConfig } from '../config/output-settings';
import { messageOf } from '../errors/error-text';
import type { OutputStatus } from '../http/api/schemas/output';
import type { Logger } from '../logging/logger';
import { FollowedStream } from './follow/followed-stream';
import { GapNews } from './gap-news';
import type { OutputOrder } from '../http/api/schemas/output-order';
import type { StreamTold } from './link/messages';
import type { OutputOpeners, Tell } from './open-outputs';
import { OutputSet } from './output-set';
import type { Ordered } from './link/ordered';
import { type OutputPlan, outputPlan } from './policy/output-plan';
import type { RecordFormat } from './policy/output-policy';
import type { Output, StreamEnding, StreamIdentity } from './stream/output';

export interface StreamOutputsOptions {
  readonly config: Pick<OutputsConfig, 'forward' | 'record' | 'hls'>;
  readonly told: StreamTold;
  readonly openers: OutputOpeners;
  readonly sign: (channel: string) => Promise<string>;
  /** The id of the forward to this address. */
  readonly forwardId: (url: string) => string;
  readonly tell: Tell;
  readonly log: Logger;
}

export interface OrderOutcome {
  readonly acted: boolean;
  readonly detail: string;
}

/** Most outputs of one stream. */
const MAX_OUTPUTS = 32;
/** Most outputs of one stream that an operator ended and that stay away. */
const MAX_ENDED = 64;
const REMOVED: StreamEnding = { code: 'operator', reason: 'An operator ended it' };
const NOT_WANTED: StreamEnding = { code: 'policy', reason: 'The policy of the stream has changed' };

/** All that is done with one stream: follows it while it has an output. */
export class StreamOutputs {
  readonly identity: StreamIdentity;
  readonly #options: StreamOutputsOptions;
  readonly #outputs: OutputSet;
  readonly #gaps: GapNews;
  /** Addresses of forwards by the ids of their outputs. Secrets. */
  readonly #targets = new Map<string, string>();
  /** What an operator ended, addresses of forwards and ids of other outputs: the policy does not bring it back while the stream lasts. */
  readonly #endedByOrder = new Set<string>();
  #told: StreamTold;
  #followed: FollowedStream | undefined;
  #ended: Promise<void> | undefined;

  constructor(options: StreamOutputsOptions) {
    this.#options = options;
    const { told, log } = options;
    this.#told = told;
    this.#gaps = new GapNews((fact) => void options.tell(fact));
    this.identity = { channel: told.channel, streamId: told.streamId, startedAt: told.startedAt };
    this.#outputs = new OutputSet({ identity: this.identity, tell: (fact) => this.#gaps.tell(fact), log });
    const { ended = [], forwards = [], records = [] } = told.ordered ?? {};
    for (const key of ended) this.#forbid(key);
    this.#adapt(this.#plan());
    for (const url of forwards) this.#addForward(url, 'order');
    if (records.length > 0) this.#startRecordings(records);
    if (told.held) this.#outputs.held();
  }

  get told(): StreamTold {
    return this.#told;
  }

  /** How long the stream could not be followed (ms). */
  get brokenMs(): number {
    return this.#followed?.brokenMs ?? 0;
  }

  /** Another publisher continues the stream, or the same one is back. */
  continues(told: StreamTold): void {
    const wasHeld = this.#told.held;
    this.#told = told;
    this.#followed?.servedAt(told.place);
    this.#adapt(this.#plan());
    if (told.held && !wasHeld) this.#outputs.held();
    if (!told.held) this.#outputs.resumed();
  }

  held(): void {
    if (this.#told.held) return;
    this.#told = { ...this.#told, held: true };
    this.#outputs.held();
  }

  /** Leaves everything out until the next keyframe. */
  shed(): void {
    this.#followed?.shed();
  }

  status(): OutputStatus[] {
    return this.#outputs.all.map((output) => output.status());
  }

  /** What operators have ordered, as it stands. Contains secrets. */
  get ordered(): Ordered {
    const statuses = this.#outputs.all.map((output) => output.status()).filter(({ origin }) => origin === 'order');
    return {
      forwards: statuses.flatMap(({ id }) => this.#targets.get(id) ?? []),
      records: statuses.flatMap((status) => (status.kind === 'record' ? status.format : [])),
      ended: [...this.#endedByOrder],
    };
  }

  order(order: OutputOrder): OrderOutcome {
    if (this.#ended !== undefined) return { acted: false, detail: 'the stream has ended' };
    switch (order.does) {
      case 'addForward':
        this.#endedByOrder.delete(order.url);
        return this.#addForward(order.url, 'order');
      case 'startRecording':
        return this.#startRecordings(order.formats);
      case 'stopRecording':
        return this.#stopRecordings();
      case 'remove':
        return this.#removeOne(order.id);
    }
  }

  /** Ends all outputs once the rest of the stream has come; resolves when they have completed what they have. */
  end(ending: StreamEnding): Promise<void> {
    this.#ended ??= this.#end(ending);
    return this.#ended;
  }

  async #end(ending: StreamEnding): Promise<void> {
    await this.#followed?.rest(ending.code === 'moved');
    await this.#outputs.end(ending);
    this.#gaps.end();
  }

  #plan(): OutputPlan {
    return outputPlan(this.#told.policy, this.#options.config);
  }

  /** Adds what the plan has, and removes what it has not. What an operator added stays, what one ended stays away. */
  #adapt(plan: OutputPlan): void {
    const wanted = (output: Output): boolean => {
      const status = output.status();
      if (status.origin === 'order') return true;
      if (status.kind === 'record') return plan.record.includes(status.format);
      if (status.kind === 'hls') return plan.hls;
      return plan.forward.includes(this.#targets.get(output.id) ?? '');
    };
    for (const output of this.#outputs.all) if (!wanted(output)) this.#drop(output, NOT_WANTED);
    const known = new Set(this.#targets.values());
    const ended = this.#endedByOrder;
    for (const url of plan.forward) if (!known.has(url) && !ended.has(url)) this.#addForward(url, 'policy');
    for (const format of plan.record) if (!ended.has(`record-${format}`)) this.#addRecording(format, 'policy');
    if (plan.hls && !ended.has('hls') && this.#outputs.find('hls') === undefined) {
      this.#open('hls', 'policy', (options) => this.#options.openers.hls(options, plan.record.length > 0));
    }
  }

  #addForward(url: string, origin: OutputStatus['origin']): OrderOutcome {
    const [known] = [...this.#targets].find(([, other]) => other === url) ?? [];
    // A forward that has failed is tried again when it is added again.
    const former = known === undefined ? undefined : this.#outputs.find(known);
    if (former !== undefined) {
      const status = former.status();
      if (status.kind !== 'forward' || status.state !== 'failed') {
        return { acted: false, detail: `${former.id} sends it there already` };
      }
      this.#drop(former, REMOVED);
    }
    const id = this.#options.forwardId(url);
    const outcome = this.#open(id, origin, (options) => this.#options.openers.forward(options, url));
    if (outcome.acted) this.#targets.set(id, url);
    return outcome;
  }

  #startRecordings(asked: readonly RecordFormat[] | undefined): OrderOutcome {
    const { record } = this.#options.config;
    if (record.place === undefined) return { acted: false, detail: 'nothing is recorded here: RECORD_TO is not set' };
    const formats = asked ?? record.formats;
    for (const format of formats) this.#endedByOrder.delete(`record-${format}`);
    const outcomes = formats.map((format) => this.#addRecording(format, 'order'));
    const detail = outcomes.map((outcome) => outcome.detail).join(', ');
    return { acted: outcomes.some(({ acted }) => acted), detail };
  }

  #addRecording(format: RecordFormat, origin: OutputStatus['origin']): OrderOutcome {
    const id = `record-${format}`;
    const former = this.#outputs.find(id);
    const status = former?.status();
    if (former !== undefined && status !== undefined) {
      // The policy does not start again what failed: it would fail again with each publisher.
      if (status.kind !== 'record' || status.state !== 'failed' || origin === 'policy') {
        return { acted: false, detail: `${id} records it already` };
      }
      this.#drop(former, REMOVED);
    }
    return this.#open(id, origin, (options) => this.#options.openers.record(options, format));
  }

  #stopRecordings(): OrderOutcome {
    const recordings = this.#outputs.all.filter((output) => output.status().kind === 'record');
    if (recordings.length === 0) return { acted: false, detail: 'the stream is not recorded' };
    const outcome = this.#remove(recordings);
    // The other formats too: the next publisher may have a policy that asks for them.
    for (const id of ['record-flv', 'record-mp4']) this.#forbid(id);
    return outcome;
  }

  #removeOne(id: string): OrderOutcome {
    const output = this.#outputs.find(id);
    if (output !== undefined) return this.#remove([output]);
    const ids = this.#outputs.all.map((each) => each.id).join(', ');
    return { acted: false, detail: `the stream has no such output, ${ids === '' ? 'and no other' : `it has: ${ids}`}` };
  }

  #remove(outputs: readonly Output[]): OrderOutcome {
    for (const output of outputs) {
      this.#forbid(this.#targets.get(output.id) ?? output.id);
      this.#drop(output, REMOVED);
    }
    return { acted: true, detail: `ended: ${outputs.map(({ id }) => id).join(', ')}` };
  }

  #forbid(key: string): void {
    this.#endedByOrder.delete(key);
    this.#endedByOrder.add(key);
    // Of very many, the oldest are forgotten.
    for (const oldest of this.#endedByOrder) if (this.#endedByOrder.size > MAX_ENDED) this.#endedByOrder.delete(oldest);
  }

  #open(
    id: string,
    origin: OutputStatus['origin'],
    open: (options: Parameters<OutputOpeners['hls']>[0]) => Output,
  ): OrderOutcome {
    const { log, sign } = this.#options;
    const tell: Tell = (fact) => {
      if (fact.type !== 'output.gap') return this.#options.tell(fact);
      this.#gaps.tell(fact);
      return Promise.resolve(true);
    };
    const { channel } = this.identity;
    if (this.#outputs.all.length >= MAX_OUTPUTS) return { acted: false, detail: `more than ${MAX_OUTPUTS} outputs` };
    try {
      const output = open({ id, origin, identity: this.identity, tell, log: log.child({ channel, output: id }) });
      this.#outputs.add(output, this.#followed?.headers() ?? []);
    } catch (error) {
      log.error('an output cannot be opened', { channel, output: id, reason: messageOf(error) });
      return { acted: false, detail: messageOf(error) };
    }
    this.#followed ??= new FollowedStream({ channel, place: this.#told.place, sign, taker: this.#outputs, log });
    return { acted: true, detail: `added: ${id}` };
  }

  #drop(output: Output, ending: StreamEnding): void {
    this.#targets.delete(output.id);
    this.#outputs.remove(output, ending);
    if (this.#outputs.all.length > 0) return;
    // Nobody wants the stream any more.
    this.#followed?.close();
    this.#followed = undefined;
  }
}
