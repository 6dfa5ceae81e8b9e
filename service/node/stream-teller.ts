import type { EventBus } from '../events/event-bus';
import type { EndCode } from '../http/api/schemas/event';
import type { ChannelObserver } from '../hub/channel-observer';
import type { Hub } from '../hub/hub';
import type { Publication } from '../hub/publication';
import type { EndReason, Publisher } from '../hub/publisher';
import type { PublishRefusal } from '../hub/publish-refusal';
import type { AdmissionOutcome, PublishGate } from '../session/rtmp-commands/publish-gate';
import type { StreamTarget } from '../session/rtmp-commands/name-rules';
import { endOf } from './end-codes';
import type { OwnStreamListener } from './own-streams';
import { refusalCode } from './refusal-codes';

/** A stream whose publisher is, or was last, a client of this node. */
interface OwnStream {
  readonly since: number;
  /** Its publisher; the last one while it is held. */
  readonly publisher: Publisher;
  held: boolean;
  /** It continues on another node, and its publisher may still send the last frames here. */
  moved: boolean;
  /** Its publisher said that it would stop. */
  announced: boolean;
  /** Why the stream is ended, where its publisher's connection does not say it. */
  ending: { readonly code: EndCode; readonly reason: string } | undefined;
}

const NOBODY_CAME = {
  code: 'lost',
  reason: 'The connection of the publisher broke off, and it did not come back',
} as const;

/** Tells the event bus of attempts to publish and of this node's own streams; relays are the business of their owner. */
export class StreamTeller implements ChannelObserver {
  readonly #events: EventBus;
  readonly #now: () => number;
  readonly #own = new WeakMap<Publication, OwnStream>();
  #listener: OwnStreamListener | undefined;

  /** @param now milliseconds of a clock that never goes back */
  constructor(events: EventBus, now: () => number) {
    this.#events = events;
    this.#now = now;
  }

  /** Tells of own streams from now on. */
  listen(listener: OwnStreamListener): void {
    this.#listener = listener;
  }

  /** Whether the stream's publisher is, or was last, a client of this node. */
  isOwn(publication: Publication): boolean {
    return this.#own.get(publication)?.moved === false;
  }

  /** When the stream's present publisher, or the one before it on this node, began (ms); undefined for relays. */
  ownSince(publication: Publication): number | undefined {
    return this.isOwn(publication) ? this.#own.get(publication)?.since : undefined;
  }

  /** The gate, which tells of each publish and of its outcome. */
  watch(gate: PublishGate, hub: Pick<Hub, 'find'>): PublishGate {
    return {
      admit: async (publisher, stream, signal, span) => {
        const { channel } = stream;
        const client = clientOf(publisher);
        this.#events.tell({ type: 'publish.asked', channel, ...client });
        const before = hub.find(channel)?.publication ?? null;
        const outcome = await gate.admit(publisher, stream, signal, span);
        if (!outcome.accepted) {
          if (!signal.aborted) this.refused(publisher, stream, outcome);
          return outcome;
        }
        this.#events.tell({
          type: 'publish.accepted',
          channel,
          ...client,
          streamId: outcome.publication.grant.streamId,
          resumed: isResumed(outcome, before),
        });
        return outcome;
      },
      misnamed: (publisher, channel, reason) => {
        this.#events.refused({ channel, ...clientOf(publisher), code: 'badName', reason });
      },
      leave: (publisher, publication, graceful) => {
        const own = this.#own.get(publication);
        if (own !== undefined && publication.publisher === publisher) own.announced = graceful;
        gate.leave(publisher, publication, graceful);
      },
    };
  }

  /** A publish was refused. */
  refused(publisher: Publisher, { channel }: Pick<StreamTarget, 'channel'>, refusal: PublishRefusal): void {
    const { reason } = refusal;
    this.#events.refused({ channel, ...clientOf(publisher), code: refusalCode(refusal), reason });
  }

  /**
   * The stream continues on another node: its end here is none of the stream. The listener hears of it when the last
   * frame of a publisher here has come: one that was asked to reconnect sends on until it uses the new connection.
   */
  movedAway(publication: Publication): void {
    const own = this.#own.get(publication);
    if (own === undefined) return;
    own.moved = true;
    this.#goneUnlessFed(publication);
  }

  /** The stream is about to be ended for this reason, of which its publisher's connection, if any, says less. */
  ends(publication: Publication, code: EndCode, reason: string): void {
    const own = this.#own.get(publication);
    if (own !== undefined) own.ending = { code, reason };
  }

  sourceChanged(publication: Publication): void {
    const { publisher, channel, grant } = publication;
    const own = this.#own.get(publication);
    if (publisher?.isRelay === true) {
      this.movedAway(publication);
    } else if (publisher !== null) {
      if (own?.publisher === publisher && !own.held) return;
      const since = own?.since ?? this.#now();
      this.#own.set(publication, { since, publisher, held: false, moved: false, announced: false, ending: undefined });
      this.#listener?.live(publication);
    } else if (own?.moved === true) {
      this.#goneUnlessFed(publication);
    } else if (own !== undefined && !own.held) {
      own.held = true;
      this.#events.tell({ type: 'stream.held', channel, streamId: grant.streamId });
      this.#listener?.held(publication);
    }
  }

  ended(publication: Publication, publisher: Publisher | null, reason: EndReason | undefined): void {
    const own = this.#own.get(publication);
    if (own?.moved === true) this.#gone(publication);
    if (own?.moved !== false) return;
    this.#own.delete(publication);
    const { channel, grant } = publication;
    const seconds = Math.max(0, Math.floor((this.#now() - own.since) / 1000));
    const end =
      reason !== undefined
        ? ({ code: 'replaced', reason } as const)
        : (own.ending ?? (publisher === null ? NOBODY_CAME : endOf(publisher.closed, own.announced)));
    this.#events.tell({ type: 'stream.ended', channel, streamId: grant.streamId, ...end, seconds });
    this.#listener?.ended(publication, end.code, end.reason);
  }

  #goneUnlessFed(publication: Publication): void {
    if (publication.stream.sources.feeding?.isRelay !== false) this.#gone(publication);
  }

  #gone(publication: Publication): void {
    if (!this.#own.delete(publication)) return;
    this.#listener?.ended(publication, 'moved', 'The stream continues on another node');
  }
}

/** A publisher resumes a stream that is live or held here, or was live on another node. */
function isResumed(
  { publication }: AdmissionOutcome & { readonly accepted: true },
  before: Publication | null,
): boolean {
  return publication === before || publication.grant.liveElsewhereMs !== undefined;
}

function clientOf({ clientIp, software }: Publisher): { readonly address: string; readonly encoder: string } {
  return { address: clientIp, encoder: software };
}
