import { randomBytes } from 'node:crypto';
import type { EventBus } from '../events/event-bus';
import type { OutputStatus } from '../http/api/schemas/output';
import type { Publication } from '../hub/publication';
import type { OutputMetrics } from '../metrics/output-metrics';
import type { OrderAnswer, OutputsLine } from '../outputs/host/outputs-line';
import type { OutputOrder } from '../http/api/schemas/output-order';
import type { StreamPlace } from '../outputs/link/messages';
import { type Ordered, readOrdered, writeOrdered } from '../outputs/link/ordered';
import { OutputTokens } from '../relay/output-tokens';
import type { OwnStreamListener } from './own-streams';

export interface NodeOutputsOptions {
  readonly line: OutputsLine;
  /** Signs the tokens with which `rtmp-outputs` plays streams. */
  readonly playKey: Uint8Array;
  /** Where this node serves its streams to it. */
  readonly place: () => StreamPlace;
  readonly events: Pick<EventBus, 'tell'>;
  readonly metrics: Pick<OutputMetrics, 'status' | 'ended'>;
  /** Keeps with the stream what was ordered, for the node that continues it. */
  readonly remember: (publication: Publication, orders: string) => void;
}

/** What outputs a stream has, as `rtmp-outputs` said last. */
interface Known {
  readonly run: string;
  readonly publication: Publication;
  readonly outputs: readonly OutputStatus[];
}

/** What a node tells `rtmp-outputs` of its streams, and what it knows of their outputs. */
export class NodeOutputs implements OwnStreamListener {
  readonly #options: NodeOutputsOptions;
  readonly #tokens: OutputTokens;
  /** Unique among all runs of all processes. */
  readonly #prefix = randomBytes(6).toString('base64url');
  readonly #runs = new WeakMap<Publication, { readonly run: string; readonly startedAt: number }>();
  /** What operators ordered of the stream, here and on nodes where it was live before. */
  readonly #ordered = new WeakMap<Publication, Ordered>();
  /** By channel; of live streams only. */
  readonly #known = new Map<string, Known>();
  #lastRun = 0;

  constructor(options: NodeOutputsOptions) {
    this.#options = options;
    this.#tokens = new OutputTokens(options.playKey);
    options.line.listen({
      status: (channel, run, outputs) => {
        const known = this.#known.get(channel);
        if (known?.run !== run) return;
        this.#known.set(channel, { ...known, outputs });
        options.metrics.status(run, outputs);
      },
      ordered: (channel, run, ordered) => {
        const known = this.#known.get(channel);
        if (known?.run !== run) return;
        this.#ordered.set(known.publication, ordered);
        options.remember(known.publication, writeOrdered(ordered));
      },
      fact: (fact) => options.events.tell(fact),
    });
  }

  /** Whether the token permits `rtmp-outputs` to play the channel. Never rejects. */
  verify(token: string, channel: string): Promise<boolean> {
    return this.#tokens.verify(token, channel);
  }

  /** Outputs of the stream that is live on the channel, about a second old. */
  statuses(channel: string): readonly OutputStatus[] {
    return this.#known.get(channel)?.outputs ?? [];
  }

  /** Never rejects. */
  order(channel: string, order: OutputOrder): Promise<OrderAnswer> {
    return this.#options.line.order(channel, order);
  }

  live(publication: Publication): void {
    const { channel, grant, publisher } = publication;
    let told = this.#runs.get(publication);
    if (told === undefined) {
      this.#lastRun += 1;
      told = { run: `${this.#prefix}-${this.#lastRun}`, startedAt: Date.now() };
      this.#runs.set(publication, told);
      this.#known.set(channel, { run: told.run, publication, outputs: [] });
      const before = grant.orders === undefined ? undefined : readOrdered(grant.orders);
      if (before !== undefined) this.#ordered.set(publication, before);
    }
    const ordered = this.#ordered.get(publication);
    const stream = {
      ...{ channel, ...told, streamId: grant.streamId, policy: grant.outputs ?? {}, place: this.#options.place() },
      held: publisher === null,
      ...(ordered && { ordered }),
    };
    const fromElsewhere = grant.liveElsewhereMs !== undefined;
    this.#options.line.tell({ what: 'live', stream, fromElsewhere });
  }

  held(publication: Publication): void {
    const told = this.#runs.get(publication);
    if (told !== undefined) this.#options.line.tell({ what: 'held', channel: publication.channel, run: told.run });
  }

  ended(publication: Publication, code: string, reason: string): void {
    const told = this.#runs.get(publication);
    if (told === undefined) return;
    const { channel } = publication;
    this.#runs.delete(publication);
    this.#options.metrics.ended(told.run);
    if (this.#known.get(channel)?.run === told.run) this.#known.delete(channel);
    this.#options.line.tell({ what: 'ended', channel, run: told.run, code, reason });
  }
}
