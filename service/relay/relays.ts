import type { Channel } from '../hub/channel';
import type { Publication, Publisher } from '../hub/publication';
import type { Logger } from '../logging/logger';
import { Relay, type RelayEnd, type RelayEnvironment, type RelayOwner } from './relay';
import type { Location, Lookups } from './lookups';
import type { RelayTokens } from './relay-token';
import type { LeaseRegistry } from '../leases/lease-registry';

export interface RelaysOptions extends RelayEnvironment {
  readonly registry: LeaseRegistry;
  readonly tokens: RelayTokens;
  readonly lookups: Lookups;
  readonly log: Logger;
  /** How long a stream without a source is kept for its next one (ms). */
  readonly orphanMs: number;
}

/** A relay without viewers is kept for those who come right back (ms). */
const LINGER_MS = 5_000;
/** Channels that wait for a source are looked up this often, beside every change that the registry tells of (ms). */
const LOOK_AGAIN_MS = 2_000;
/** After a relay failed its channel is looked up again, the sooner the fewer have failed before it (ms). */
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
/** A relay that brings nothing for so long may have missed that its stream moved (ms). */
const QUIET_MS = 3_000;
/** And, when nobody has the channel, its owner is gone without a word (ms). */
const GONE_MS = 15_000;

/**
 * Brings the streams of other nodes to this node's viewers: one relay per channel, however many viewers. It follows the
 * publisher when it moves, and ends when the stream or the last viewer does.
 */
export class Relays implements RelayOwner {
  readonly #options: RelaysOptions;
  /** The newest relay of each channel; one before it may go on until this one has a keyframe. */
  readonly #relays = new Map<string, Relay>();
  /** Channels whose look-up is under way; true when something changed meanwhile. */
  readonly #looking = new Map<string, boolean>();
  /** Since when a relay has had no viewer. */
  readonly #unwatched = new Map<string, number>();
  /** How many relays of a channel have failed since one worked. */
  readonly #failures = new Map<string, number>();
  /** Streams without a source, until when they are kept. */
  readonly #orphans = new Map<Publication, NodeJS.Timeout>();
  /** Publishers that are still connected here while their stream goes on elsewhere: a relay may take their place. */
  readonly #leaving = new WeakMap<Publication, Publisher>();
  /** Channels to look for when questions to the registry are possible again. */
  readonly #postponed = new Set<string>();
  #lookedAt = 0;
  #closed = false;

  constructor(options: RelaysOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#relays.size;
  }

  /** Somebody wants the channel here, or it has changed somewhere. */
  look(channelName: string): void {
    if (this.#closed) return;
    if (this.#looking.has(channelName)) {
      this.#looking.set(channelName, true);
      return;
    }
    if (!this.#isWatched(channelName)) return;
    this.#looking.set(channelName, false);
    void this.#follow(channelName).finally(() => {
      const again = this.#looking.get(channelName) === true;
      this.#looking.delete(channelName);
      if (again) this.look(channelName);
    });
  }

  /**
   * The channel's own publisher has gone on at another node: its viewers get the stream from there. Called again when
   * the publisher leaves this node, if it was still connected.
   */
  adopt(channel: Channel, publication: Publication): void {
    const { publisher } = publication;
    // Where nobody plays, a copy that stands still is of no use to anybody: who comes next gets the stream from its owner.
    if (publisher === null && publication.stream.playerCount === 0) channel.end(publication);
    else if (publisher === null) this.#endUnlessFed(channel, publication);
    else this.#leaving.set(publication, publisher);
    this.look(channel.name);
  }

  /** Once a second; milliseconds of `performance.now`. */
  tick(now: number): void {
    const { hub } = this.#options;
    const looksAgain = now - this.#lookedAt >= LOOK_AGAIN_MS;
    for (const [name, relay] of this.#relays) {
      if (this.#isWatched(name)) {
        this.#unwatched.delete(name);
        if (looksAgain && now - relay.heardAt > QUIET_MS) this.look(name);
        continue;
      }
      const since = this.#unwatched.get(name) ?? now;
      this.#unwatched.set(name, since);
      if (now - since >= LINGER_MS) this.#drop(name, relay);
    }
    const postponed = [...this.#postponed];
    this.#postponed.clear();
    for (const name of postponed) this.look(name);
    if (!looksAgain) return;
    this.#lookedAt = now;
    for (const channel of hub.waiting()) this.look(channel.name);
    for (const { channel } of this.#orphans.keys()) this.look(channel);
    for (const name of this.#failures.keys()) if (hub.find(name) === undefined) this.#failures.delete(name);
  }

  close(): void {
    this.#closed = true;
    for (const [name, relay] of this.#relays) this.#drop(name, relay);
    for (const timer of this.#orphans.values()) clearTimeout(timer);
    this.#orphans.clear();
  }

  mayFeed({ publication }: Channel): boolean {
    const publisher = publication?.publisher ?? null;
    if (publication === null || publisher === null) return true;
    return publisher.isRelay || this.#leaving.get(publication) === publisher;
  }

  ended(relay: Relay, end: RelayEnd, reason: string): void {
    this.#report(relay, end, reason);
    const channel = this.#options.hub.find(relay.target.lease.channel);
    if (channel === undefined) this.#leave(relay, end);
    else channel.change(() => this.#leave(relay, end, channel));
  }

  /** A relay that has ended feeds its channel no more. */
  #leave(relay: Relay, end: RelayEnd, channel?: Channel): void {
    const { publication } = relay;
    if (channel !== undefined && publication?.publisher === relay) {
      if (end === 'unpublished') channel.end(publication);
      else channel.hold(relay);
      // Unless it could be left to the source before.
      if (channel.publication?.publisher === null) this.#endUnlessFed(channel, publication);
    }
    const { channel: name } = relay.target.lease;
    if (this.#relays.get(name) !== relay) return;
    this.#relays.delete(name);
    // One that was to follow it has failed: the one before still feeds the stream.
    const feeding = channel?.publication?.publisher;
    if (feeding instanceof Relay) this.#relays.set(name, feeding);
    if (end !== 'displaced') this.#lookSoon(name);
  }

  async #follow(name: string): Promise<void> {
    const { hub, registry, tokens, lookups } = this.#options;
    const answer = lookups.locate(name);
    if (answer === 'later') {
      this.#postponed.add(name);
      return;
    }
    const found = await answer;
    const current = this.#relays.get(name);
    if (found === undefined) {
      const isGone = registry.connected && performance.now() - (current?.heardAt ?? Infinity) > GONE_MS;
      if (isGone) current?.giveUp();
      return;
    }
    if (found.lease.state === 'starting' || found.owner.id === registry.self.id) return;
    if (current?.target.owner.incarnation === found.owner.incarnation) {
      // What that node sends goes on by itself, or ends and is looked for again.
      current.lease = found.lease;
      return;
    }
    this.#refuseStrangers(name, found);
    if (!this.#isWatched(name)) return;
    const token = await tokens.sign(name, found.owner.id);
    const channel = hub.find(name);
    if (this.#closed || channel === undefined || channel.viewerCount === 0 || !this.mayFeed(channel)) return;
    const former = this.#relays.get(name);
    const relay = new Relay(this.#options, { ...found, token }, this);
    this.#relays.set(name, relay);
    // One that has brought something goes on until the new one has a keyframe, and is displaced then.
    if (former?.publication === null) former.close();
    this.#tell(name, 'relay from another node', found.owner.id);
  }

  /** Viewers with another key than this stream's do not make it come. */
  #refuseStrangers(name: string, { lease }: Location): void {
    const { hub, keyHash, registry } = this.#options;
    const channel = hub.find(name);
    // Without the registry the secret of the hashes may be another one by now.
    if (channel?.publication !== null || !registry.connected) return;
    channel.refuseOthers((key) => keyHash.matches(key, lease.playKeyHash));
  }

  #isWatched(name: string): boolean {
    return (this.#options.hub.find(name)?.viewerCount ?? 0) > 0;
  }

  /** Attempts that fail one after the other are told of once. */
  #tell(name: string, message: string, node: string): void {
    const { log } = this.#options;
    if (this.#failures.has(name)) log.debug(message, { channel: name, node });
    else log.request(message, { channel: name, node });
  }

  #report({ target, publication }: Relay, end: RelayEnd, reason: string): void {
    const { channel: name, node } = target.lease;
    const { log } = this.#options;
    if (publication !== null || end !== 'lost') {
      this.#failures.delete(name);
      log.request('relay ended', { channel: name, node, reason });
      return;
    }
    const failures = this.#failures.get(name) ?? 0;
    this.#failures.set(name, failures + 1);
    const fields = { channel: name, node, reason };
    if (failures === 0) log.warning('a relay failed, it is tried again', fields);
    else log.debug('a relay failed', fields);
  }

  #lookSoon(name: string): void {
    const delayMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** (this.#failures.get(name) ?? 0));
    setTimeout(() => this.look(name), delayMs * (1 + Math.random())).unref();
  }

  /** Ends a stream that has no source any more, unless one is found in time. */
  #endUnlessFed(channel: Channel, publication: Publication): void {
    clearTimeout(this.#orphans.get(publication));
    const timer = setTimeout(() => {
      this.#orphans.delete(publication);
      if (publication.publisher !== null) return;
      channel.end(publication);
    }, this.#options.orphanMs);
    this.#orphans.set(publication, timer.unref());
  }

  #drop(name: string, relay: Relay): void {
    this.#relays.delete(name);
    this.#unwatched.delete(name);
    this.#failures.delete(name);
    relay.close();
    const channel = this.#options.hub.find(name);
    const publication = channel?.publication;
    const feeding = publication?.publisher;
    if (!channel || !publication || !(feeding instanceof Relay)) return;
    feeding.close();
    channel.end(publication);
  }
}
