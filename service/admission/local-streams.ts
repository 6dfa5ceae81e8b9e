import type { Channel } from '../hub/channel';
import type { Hub } from '../hub/hub';
import { keysEqual } from '../hub/key-equality';
import type { LiveStream } from '../hub/live-stream';
import type { Publication, StreamGrant } from '../hub/publication';
import type { Publisher } from '../hub/publisher';
import type { NodeEffect } from '../leases/life-store';
import type { Logger } from '../logging/logger';
import type { LifeEvent } from '../publishing/life-events';
import { type Admitted, AdmittedStreams } from './admitted-streams';
import type { Attempt } from './attempt';
import { GraceClock } from './grace-clock';
import { SilenceWatch } from './silence-watch';

export interface LocalStreamsOptions {
  readonly hub: Hub;
  readonly graceMs: number;
  readonly log: Logger;
  apply(channel: string, event: LifeEvent): void;
  /** See AdmissionOptions. */
  orphaned(channel: Channel, publication: Publication): void;
  ends(publication: Publication, why: FleetEnd, reason: string): void;
  refusal(): string | undefined;
}

/** An operator ended the stream, or the fleet took its node for dead. */
export type FleetEnd = 'killed' | 'claimed';

type Effect<Kind extends NodeEffect['kind']> = Extract<NodeEffect, { readonly kind: Kind }>;

/**
 * A publisher whose stream continues on another node is disconnected if it has not left after this long, or has sent
 * nothing for so long (ms).
 */
const LEAVE_MS = 10_000;
const SILENT_MS = 1_000;

const TAKEN_OVER = 'Another publisher has taken this channel over';
/** Why the fleet ends a stream here. The publisher may return: it has lost its channel to nobody. */
const REASONS = {
  killed: 'Stream ended by the operator',
  claimed: 'The fleet could not reach this node and ended the stream, publish again',
};
const GOES_ON = 'The stream continues on another node';

/** This node's streams as its hub has them: begins, holds, hands over and ends them. */
export class LocalStreams {
  readonly #options: LocalStreamsOptions;
  readonly #admitted = new AdmittedStreams();
  #closed = false;

  constructor(options: LocalStreamsOptions) {
    this.#options = options;
  }

  /** The publisher is let in: begins its stream, or continues the one that is here. */
  begin(
    { publish, publisher, stream }: Attempt,
    grant: StreamGrant,
    { id, continues, keeps }: Effect<'letIn'>,
  ): Publication {
    const channel = this.#options.hub.channel(stream.channel);
    const playKey = grant.playKey ?? stream.key;
    const current = channel.publication;
    this.#admitted.forget(channel.name);
    // Until the new publisher's first keyframe, players keep getting the stream that another node still sends.
    const gently = current?.publisher?.isRelay === true;
    const goesOn = continues && current !== null;
    const isFirst = id.stopJti === publish;
    const aged = isFirst ? grant : withAge(grant, id.since, goesOn ? current.stream : undefined);
    const withOrders = id.orders === undefined ? aged : { ...aged, orders: id.orders };
    const begin = { key: stream.key, grant: withOrders, admitsKey: (key: string) => keysEqual(key, playKey) };
    channel.reserve(publisher, true);
    const publication = goesOn ? channel.resume(publisher, begin, gently) : channel.begin(publisher, begin);
    this.#admitted.add(channel.name, { publish, publication, silence: keeps ? new SilenceWatch() : undefined });
    return publication;
  }

  leave(publisher: Publisher, publication: Publication, graceful: boolean): void {
    const { hub, log, graceMs } = this.#options;
    if (publication.publisher !== publisher) {
      // Displaced publishers have nothing to end, but one that another source is to replace may have fed the stream.
      hub.find(publication.channel)?.hold(publisher);
      return;
    }
    const channel = hub.channel(publication.channel);
    channel.change(() => {
      const admitted = this.#admitted.find(channel.name);
      if (admitted?.publication !== publication) {
        // The stream continues on another node already.
        channel.hold(publisher);
        publication.stream.clearCache();
        this.#options.orphaned(channel, publication);
      } else if (graceful || graceMs === 0 || this.#closed) {
        this.#end(channel.name, admitted);
      } else {
        const { publish } = admitted;
        channel.hold(publisher);
        admitted.grace = new GraceClock(graceMs, () =>
          this.#options.apply(channel.name, { kind: 'graceOver', publish }),
        );
        log.request('publisher lost, channel held', { channel: channel.name, seconds: graceMs / 1000 });
        this.#options.apply(channel.name, { kind: 'lost', publish });
      }
    });
  }

  /** Another publish has the channel. `here`: it is let in on this node, which continues or ends this stream then. */
  replaced(channelName: string, { publish, continues }: Effect<'replaced'>, here: boolean): void {
    const admitted = this.#admitted.find(channelName);
    if (admitted?.publish !== publish) return;
    this.#admitted.forget(channelName);
    if (here) return;
    const channel = this.#options.hub.channel(channelName);
    if (continues) channel.change(() => this.#letGo(channel, admitted.publication));
    else channel.end(admitted.publication, TAKEN_OVER);
  }

  ended(channelName: string, { publish, why }: Effect<'ended'>): void {
    const admitted = this.#admitted.find(channelName);
    if (admitted?.publish !== publish) return;
    const { publication } = admitted;
    const { publisher } = publication;
    this.#admitted.forget(channelName);
    if (why === 'notBack') this.#options.log.request('publisher did not come back', { channel: channelName });
    else this.#options.ends(publication, why, REASONS[why]);
    this.#options.hub.channel(channelName).end(publication);
    if (why !== 'notBack') publisher?.kill(REASONS[why]);
  }

  setGrace(channelName: string, { publish, runs }: Effect<'grace'>): void {
    const admitted = this.#admitted.find(channelName);
    if (admitted?.publish !== publish) return;
    if (runs) admitted.grace?.run();
    else admitted.grace?.stand();
  }

  /** Checks whether publishers that took their channels over still send; `now` is monotonic (ms). */
  tick(now: number): void {
    for (const [channel, { silence, publish, publication }] of this.#admitted) {
      // Counts sent media, not what players get: before the first keyframe players get nothing.
      const mediaAt = publication.publisher?.mediaAt;
      if (mediaAt === undefined || silence?.look(mediaAt, now) !== true) continue;
      this.#options.apply(channel, { kind: 'keeps', publish, keeps: silence.sends });
    }
  }

  /** Operators ordered something of the stream's outputs, which is also for whoever continues it. */
  ordered(publication: Publication, orders: string): void {
    const { channel } = publication;
    const admitted = this.#admitted.find(channel);
    if (admitted?.publication !== publication) return;
    this.#options.apply(channel, { kind: 'ordered', publish: admitted.publish, orders });
  }

  isHeld(publication: Publication): boolean {
    const admitted = this.#admitted.find(publication.channel);
    return admitted?.publication === publication && admitted.grace !== undefined;
  }

  endHeld(publication: Publication): void {
    const admitted = this.#admitted.find(publication.channel);
    if (admitted?.publication !== publication || admitted.grace === undefined) return;
    this.#options.log.request('publisher did not come back', { channel: publication.channel });
    this.#options.hub.channel(publication.channel).change(() => this.#end(publication.channel, admitted));
  }

  noneHeld(timeoutMs: number): Promise<void> {
    return this.#admitted.noneHeld(timeoutMs);
  }

  close(): void {
    this.#closed = true;
    for (const [, { publication }] of this.#admitted.held()) this.endHeld(publication);
  }

  #end(channelName: string, { publish, publication }: Admitted): void {
    this.#admitted.forget(channelName);
    this.#options.hub.channel(channelName).end(publication);
    this.#options.apply(channelName, { kind: 'left', publish });
  }

  /** The stream continues on another node: its publisher here is no longer needed, its players stay. */
  #letGo(channel: Channel, publication: Publication): void {
    if (channel.publication !== publication) return;
    // Later viewers must not get frames from before the move and then jump to the present.
    publication.stream.clearCache();
    const { publisher } = publication;
    if (publisher !== null && this.#options.refusal() === undefined) {
      channel.hold(publisher, GOES_ON);
    } else if (publisher !== null) {
      // It was asked to reconnect, and sends its last frames here before it publishes on the other node.
      this.#displaceWhenSilent(publisher, publication);
    }
    this.#options.orphaned(channel, publication);
  }

  #displaceWhenSilent(publisher: Publisher, { stream }: Publication): void {
    const until = performance.now() + LEAVE_MS;
    let mediaAt = publisher.mediaAt;
    const looking = setInterval(() => {
      const sends = publisher.mediaAt !== mediaAt && performance.now() < until;
      mediaAt = publisher.mediaAt;
      if (sends && stream.sources.feeding === publisher) return;
      clearInterval(looking);
      if (stream.sources.feeding === publisher) publisher.displaced(GOES_ON);
    }, SILENT_MS).unref();
  }
}

/** The grant of a stream that continues here, with how long it was live before `stream` began. */
function withAge(grant: StreamGrant, since: number, stream: LiveStream | undefined): StreamGrant {
  const hereMs = stream === undefined ? 0 : performance.now() - stream.startedAt;
  return { ...grant, liveElsewhereMs: Math.max(0, Date.now() - since - hereMs) };
}
