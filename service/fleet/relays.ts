import type { Channel } from '../hub/channel';
import type { Hub } from '../hub/hub';
import type { Publication } from '../hub/publication';
import type { Logger } from '../logging/logger';
import { Relay, type RelayEnd, type RelayEnvironment } from './relay';
import type { RelayTokens } from './relay-token';
import type { StreamRegistry } from './stream-registry';

export interface RelaysOptions extends RelayEnvironment {
  readonly hub: Hub;
  readonly registry: StreamRegistry;
  readonly tokens: RelayTokens;
  readonly log: Logger;
  /** How long a stream without a source is kept for its next one (ms). */
  readonly orphanMs: number;
}

/** A relay without viewers is kept for those who come right back (ms). */
const LINGER_MS = 5_000;
/** Channels that players wait for are looked up this often, beside every change that the registry tells of (ms). */
const LOOK_AGAIN_MS = 2_000;

/**
 * Brings the streams of other nodes to this node's viewers: one relay per channel, however many viewers. It follows the
 * publisher when it moves, and ends when the stream or the last viewer does.
 */
export class Relays {
  readonly #options: RelaysOptions;
  readonly #relays = new Map<string, Relay>();
  /** Channels whose look-up is under way; true when something changed meanwhile. */
  readonly #looking = new Map<string, boolean>();
  /** Since when a relay has had no viewer. */
  readonly #unwatched = new Map<string, number>();
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
    const channel = this.#options.hub.find(channelName);
    if (channel === undefined || channel.viewerCount === 0) return;
    this.#looking.set(channelName, false);
    void this.#follow(channel).finally(() => {
      const again = this.#looking.get(channelName) === true;
      this.#looking.delete(channelName);
      if (again) this.look(channelName);
    });
  }

  /** The channel's own publisher has gone on at another node: its viewers get the stream from there. */
  adopt(channel: Channel, publication: Publication): void {
    this.look(channel.name);
    this.#endUnlessFed(channel, publication);
  }

  /** Once a second. */
  tick(now: number): void {
    for (const [name, relay] of this.#relays) {
      if ((this.#options.hub.find(name)?.viewerCount ?? 0) > 0) {
        this.#unwatched.delete(name);
        continue;
      }
      const since = this.#unwatched.get(name) ?? now;
      this.#unwatched.set(name, since);
      if (now - since >= LINGER_MS) this.#drop(name, relay);
    }
    if (now - this.#lookedAt < LOOK_AGAIN_MS) return;
    this.#lookedAt = now;
    for (const channel of this.#options.hub.waiting()) this.look(channel.name);
  }

  close(): void {
    this.#closed = true;
    for (const [name, relay] of this.#relays) this.#drop(name, relay);
  }

  async #follow(channel: Channel): Promise<void> {
    const { registry, tokens, log } = this.#options;
    const found = await registry.locate(channel.name);
    if (found === undefined || found.lease.state === 'starting' || found.owner.id === registry.self.id) return;
    const token = await tokens.sign(channel.name);
    const current = this.#relays.get(channel.name);
    const published = channel.publication?.publisher;
    if (this.#closed || channel.viewerCount === 0 || (published && !published.isRelay)) return;
    if (current?.target.lease.session === found.lease.session) return;
    log.info('relay from another node', { channel: channel.name, node: found.owner.id });
    const relay = new Relay(this.#options, channel, { ...found, token }, (ended, end) => this.#ended(ended, end));
    // The former one goes on feeding the stream until the new one has something, and is displaced then.
    this.#relays.set(channel.name, relay);
  }

  #ended(relay: Relay, end: RelayEnd): void {
    const { channel: name } = relay.target.lease;
    const { hub, log } = this.#options;
    const isCurrent = this.#relays.get(name) === relay;
    if (isCurrent) this.#relays.delete(name);
    const channel = hub.find(name);
    const publication = relay.publication;
    if (channel === undefined) return;
    if (publication?.publisher !== relay) {
      if (isCurrent) this.#lookSoon(name);
      return;
    }
    log.info('relay ended', { channel: name, reason: end });
    if (end === 'unpublished') {
      channel.end(publication);
      hub.tidy(channel);
      return;
    }
    channel.hold(relay);
    this.#endUnlessFed(channel, publication);
    if (isCurrent) this.#lookSoon(name);
  }

  #lookSoon(name: string): void {
    setTimeout(() => this.look(name), 100 + Math.random() * 200).unref();
  }

  /** Ends a stream that has no source any more, unless one is found in time. */
  #endUnlessFed(channel: Channel, publication: Publication): void {
    const retry = setInterval(() => this.look(channel.name), 500).unref();
    setTimeout(() => {
      clearInterval(retry);
      if (publication.publisher !== null) return;
      channel.end(publication);
      this.#options.hub.tidy(channel);
    }, this.#options.orphanMs).unref();
  }

  #drop(name: string, relay: Relay): void {
    this.#relays.delete(name);
    this.#unwatched.delete(name);
    relay.close();
    const channel = this.#options.hub.find(name);
    const { publication } = relay;
    if (channel === undefined || publication?.publisher !== relay) return;
    channel.end(publication);
    this.#options.hub.tidy(channel);
  }
}
