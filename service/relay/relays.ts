import type { Channel } from '../hub/channel';
import type { Publication } from '../hub/publication';
import type { Publisher } from '../hub/publisher';
import type { Logger } from '../logging/logger';
import { Relay, type RelayEnd, type RelayEnvironment, type RelayOwner } from './relay';
import type { Lookups } from './lookups';
import type { RelayTokens } from './relay-token';
import type { LifeStore, Location } from '../leases/life-store';

export interface RelaysOptions extends RelayEnvironment {
  readonly store: LifeStore;
  readonly tokens: RelayTokens;
  readonly lookups: Lookups;
  readonly log: Logger;
  /** How long a stream without a source is kept for its next one (ms). */
  readonly orphanMs: number;
  /** The stream is this node's own again, and is held for its publisher. */
  readonly isHeld: (publication: Publication) => boolean;
}

/** A relay without viewers is kept this long for viewers who reconnect (ms). */
const LINGER_MS = 5_000;
/**
 * Channels that wait for a source are looked up this often (ms), and at every change that the registry announces: it is
 * asked to for channels with viewers whose source is, or was, not on this node.
 */
const LOOK_AGAIN_MS = 2_000;
/** After a relay has failed, its channel is looked up again, with a pause that doubles with each failure (ms). */
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
/** A relay without a byte for this long may have missed that its stream moved (ms). */
const QUIET_MS = 3_000;
/** After this long without a byte, while nobody has the channel, the relay's owner counts as gone (ms). */
const GONE_MS = 15_000;

/**
 * Relays the streams of other nodes to this node's viewers: one relay per channel, for any number of viewers. It
 * follows a publisher that moves, and ends with the stream or the last viewer.
 */
export class Relays implements RelayOwner {
  readonly #options: RelaysOptions;
  /** The newest relay of each channel; the former relay may feed the stream until the newest has a keyframe. */
  readonly #relays = new Map<string, Relay>();
  /** Channels whose look-up is under way; true when the channel has changed meanwhile. */
  readonly #looking = new Map<string, boolean>();
  /** Since when a relay has had no viewer. */
  readonly #unwatched = new Map<string, number>();
  /** How many relays of a channel have failed in a row. */
  readonly #failures = new Map<string, number>();
  /** Streams without a source, with the timers that end them. */
  readonly #orphans = new Map<Publication, NodeJS.Timeout>();
  /** Publishers still connected here whose stream continues on another node: a relay may replace them. */
  readonly #leaving = new WeakMap<Publication, Publisher>();
  /** Channels whose changes the registry announces. */
  readonly #watched = new Set<string>();
  /** Channels to look up when look-ups are possible again. */
  readonly #postponed = new Set<string>();
  #lookedAt = 0;
  #closed = false;

  constructor(options: RelaysOptions) {
    this.#options = options;
  }

  /** A viewer wants the channel here, or the registry announces a change of it. */
  look(channelName: string): void {
    if (this.#closed) return;
    if (this.#looking.has(channelName)) {
      this.#looking.set(channelName, true);
      return;
    }
    if (!this.#hasViewers(channelName)) return;
    this.#looking.set(channelName, false);
    void this.#follow(channelName).finally(() => {
      const again = this.#looking.get(channelName) === true;
      this.#looking.delete(channelName);
      if (again) this.look(channelName);
    });
  }

  /**
   * The channel's publisher on this node has continued its stream on another node: viewers get it from there. Called
   * again when the publisher leaves this node, if it was still connected.
   */
  adopt(channel: Channel, publication: Publication): void {
    const { publisher } = publication;
    // Without players, a silent copy of the stream is useless: the next player gets the stream from its owner.
    if (publisher === null && publication.stream.playerCount === 0) channel.end(publication);
    else if (publisher === null) this.#endUnlessFed(channel, publication);
    else this.#leaving.set(publication, publisher);
    this.look(channel.name);
  }

  /** To be called once a second; milliseconds of `performance.now`. */
  tick(now: number): void {
    const { hub } = this.#options;
    const looksAgain = now - this.#lookedAt >= LOOK_AGAIN_MS;
    for (const [name, relay] of this.#relays) {
      if (this.#hasViewers(name)) {
        this.#unwatched.delete(name);
        if (looksAgain && now - relay.heardAt > QUIET_MS) this.look(name);
        continue;
      }
      const since = this.#unwatched.get(name) ?? now;
      this.#unwatched.set(name, since);
      if (now - since >= LINGER_MS) this.#drop(name, relay);
    }
    this.#unwatchUnviewed();
    const postponed = [...this.#postponed];
    this.#postponed.clear();
    for (const name of postponed) this.look(name);
    this.#endUnplayed();
    for (const { name } of hub.waiting()) if (looksAgain || !this.#watched.has(name)) this.look(name);
    if (!looksAgain) return;
    this.#lookedAt = now;
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
    const channel = this.#options.hub.find(relay.target.location.channel);
    if (channel === undefined) this.#leave(relay, end);
    else channel.change(() => this.#leave(relay, end, channel));
  }

  /** A relay has ended: it does not feed its channel any more. */
  #leave(relay: Relay, end: RelayEnd, channel?: Channel): void {
    const { publication } = relay;
    if (channel !== undefined && publication !== null && isSource(relay, publication)) {
      if (publication.publisher === relay && end === 'unpublished') channel.end(publication);
      else channel.hold(relay);
      if (channel.publication === publication && publication.stream.sources.feeding === null) {
        // Later viewers must not get the former source's last seconds and then jump to the present.
        publication.stream.clearCache();
        if (publication.publisher === null) this.#endUnlessFed(channel, publication);
      }
    }
    const { channel: name } = relay.target.location;
    if (this.#relays.get(name) !== relay) return;
    this.#relays.delete(name);
    // A relay that was to take over has failed: the former relay still feeds the stream.
    const feeding = channel?.publication?.publisher;
    if (feeding instanceof Relay) this.#relays.set(name, feeding);
    if (end !== 'displaced') this.#lookSoon(name);
  }

  async #follow(name: string): Promise<void> {
    const { hub, store, tokens, lookups } = this.#options;
    const answer = lookups.locate(name);
    if (answer === 'later') {
      this.#postponed.add(name);
      return;
    }
    this.#watched.add(name);
    void store.watch?.(name);
    const found = await answer;
    const current = this.#relays.get(name);
    if (found === undefined) {
      const isGone = store.connected && performance.now() - (current?.heardAt ?? Infinity) > GONE_MS;
      if (isGone) current?.giveUp();
      return;
    }
    if (found.owner.id === store.self.id) return;
    if (current?.target.location.owner.incarnation === found.owner.incarnation) {
      // The relay from that node continues with the new publish's stream, or it ends and the channel is looked up again.
      current.location = found;
      return;
    }
    if (this.#keepsFeeding(name, found)) return;
    this.#refuseStrangers(name, found);
    if (!this.#hasViewers(name)) return;
    const token = await tokens.sign(name, found.owner);
    const channel = hub.find(name);
    if (this.#closed || channel === undefined || channel.viewerCount === 0 || !this.mayFeed(channel)) return;
    const former = this.#relays.get(name);
    const relay = new Relay({ env: this.#options, target: { location: found, token }, relays: this });
    this.#relays.set(name, relay);
    // A former relay that feeds the stream does so until the new one has a keyframe, and is displaced then.
    if (former?.publication === null) former.close();
    this.#tell(name, 'relay from another node', found.owner.id);
  }

  /**
   * The stream is back at the node whose relay still feeds it here, because the newest relay has had no keyframe. Another
   * relay to that node would get the same frames as this one, and viewers would get its first frame twice.
   */
  #keepsFeeding(name: string, found: Location): boolean {
    const channel = this.#options.hub.find(name);
    const publication = channel?.publication;
    const feeding = publication?.stream.sources.feeding;
    if (!channel || !publication || !(feeding instanceof Relay)) return false;
    if (feeding.location.owner.incarnation !== found.owner.incarnation) return false;
    if (publication.grant.streamId !== found.streamId) return false;
    const newest = this.#relays.get(name);
    this.#relays.set(name, feeding);
    if (newest?.publication === null) newest.close();
    feeding.keep(channel, found);
    return true;
  }

  /** Refuses waiting viewers with a wrong key, so that the stream is not fetched for them. */
  #refuseStrangers(name: string, { playKeyHash }: Location): void {
    const { hub, keyHash, store } = this.#options;
    const channel = hub.find(name);
    // Without the registry, the secret of the hashes may have changed meanwhile.
    if (channel?.publication !== null || !store.connected) return;
    channel.refuseOthers((key) => keyHash.matches(name, key, playKeyHash));
  }

  #hasViewers(name: string): boolean {
    return (this.#options.hub.find(name)?.viewerCount ?? 0) > 0;
  }

  #unwatchUnviewed(): void {
    const unviewed = [...this.#watched].filter((name) => !this.#hasViewers(name));
    if (unviewed.length === 0) return;
    for (const name of unviewed) this.#watched.delete(name);
    this.#options.store.unwatch?.(unviewed);
  }

  /** Logs only the first of several attempts that fail in a row. */
  #tell(name: string, message: string, node: string): void {
    const { log } = this.#options;
    if (this.#failures.has(name)) log.debug(message, { channel: name, node });
    else log.request(message, { channel: name, node });
  }

  #report({ target, publication }: Relay, end: RelayEnd, reason: string): void {
    const { channel: name, owner } = target.location;
    const node = owner.id;
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

  /** Ends a stream without a source, unless a source is found in time. */
  #endUnlessFed(channel: Channel, publication: Publication): void {
    clearTimeout(this.#orphans.get(publication));
    const timer = setTimeout(() => {
      this.#orphans.delete(publication);
      if (publication.publisher === null && !this.#options.isHeld(publication)) channel.end(publication);
    }, this.#options.orphanMs);
    this.#orphans.set(publication, timer.unref());
  }

  /** A silent copy whose last player, such as the program for outputs, has left is useless: see `adopt`. */
  #endUnplayed(): void {
    for (const publication of this.#orphans.keys()) {
      const { publisher, stream, channel } = publication;
      if (publisher !== null || stream.playerCount > 0 || this.#options.isHeld(publication)) continue;
      this.#options.hub.find(channel)?.end(publication);
    }
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

/** Whether the relay feeds the stream, or is to feed it. */
function isSource(relay: Relay, { publisher, stream }: Publication): boolean {
  return publisher === relay || stream.sources.feeding === relay;
}
