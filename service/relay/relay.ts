import { connect, type Socket } from 'node:net';
import { PlayClient, type PlayEvents } from './play-client';
import type { Channel, StreamBegin } from '../hub/channel';
import type { Hub } from '../hub/hub';
import type { StreamInlet } from '../hub/stream-inlet';
import type { Publication } from '../hub/publication';
import type { Publisher } from '../hub/publisher';
import type { TrafficCounters } from '../metrics/traffic-counters';
import type { Batching } from '../net/batching/batching';
import { READ_BUFFER } from '../net/sockets/read-buffer';
import { discardingSink, type PayloadSink } from '../protocol/chunk/payload-sink';
import { readDataMessage } from '../protocol/message/data-message';
import type { KeyHash } from '../leases/key-hash';
import type { Location } from '../leases/life-store';

/** Shared by all relays of a node. */
export interface RelayEnvironment {
  readonly hub: Hub;
  readonly batching: Batching;
  readonly traffic: TrafficCounters;
  readonly keyHash: KeyHash;
}

/** Makes relays and is told of their end. */
export interface RelayOwner {
  /** Whether a relay may feed the channel: not while a publisher of this node feeds it. */
  mayFeed(channel: Channel): boolean;
  /** Called once, not after `close`. `reason` is for the log. */
  ended(relay: Relay, end: RelayEnd, reason: string): void;
}

export interface RelayTarget {
  readonly location: Location;
  /** Permits the play, see RelayTokens. */
  readonly token: string;
}

export interface RelayOptions {
  readonly env: RelayEnvironment;
  readonly target: RelayTarget;
  readonly relays: RelayOwner;
  /** Default: 5 s. */
  readonly silenceMs?: number;
}

/** How a relay ended: the stream is over, the connection was lost, or another publisher feeds the stream here. */
export type RelayEnd = 'unpublished' | 'lost' | 'displaced';

const CONNECT_MS = 3_000;
/**
 * After so long without a byte the relay asks for one, and after as long again without it the connection counts as lost
 * (ms). After a cut of the network, TCP alone would be silent for as long again as the cut was.
 */
const SILENCE_MS = 5_000;
/** PROXY protocol v2, command LOCAL, no addresses: the connection is the node's own. */
export const LOCAL_PROXY_HEADER = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
/** A name that passes the rules for keys; the token gives the permission. */
const STREAM_NAME = 'relay';

/** Fetches a channel from the node where it is published and publishes it here, once for all players. */
export class Relay implements Publisher, PlayEvents {
  readonly isRelay = true;
  readonly software = 'relay';
  readonly target: RelayTarget;
  /** What is known of the present publish there: another publisher may resume the stream on the same node. */
  location: Location;

  readonly #env: RelayEnvironment;
  readonly #client: PlayClient;
  readonly #socket: Socket;
  readonly #relays: RelayOwner;
  #publication: Publication | null = null;
  #inlet: StreamInlet | null = null;
  #heardAt = performance.now();
  #isAsked = false;
  #done = false;

  constructor({ env, target, relays, silenceMs = SILENCE_MS }: RelayOptions) {
    this.#env = env;
    this.target = target;
    this.location = target.location;
    this.#relays = relays;
    const { location, token } = target;
    const { owner, channel } = location;
    const request = {
      app: channel,
      tcUrl: `rtmp://${owner.host}:${owner.port}/${channel}`,
      streamName: `${STREAM_NAME}?fleet=${token}`,
    };
    const socket = connect({
      host: owner.host,
      port: owner.port,
      noDelay: true,
      onread: { buffer: READ_BUFFER, callback: (bytes) => this.#read(bytes) },
    });
    this.#socket = socket;
    this.#client = new PlayClient({ request, events: this, write: (bytes) => void socket.write(bytes) });
    socket.setTimeout(CONNECT_MS);
    socket.on('timeout', () => this.#silent());
    socket.on('connect', () => {
      socket.setTimeout(silenceMs);
      if (owner.proxyHeader) socket.write(LOCAL_PROXY_HEADER);
      this.#client.start();
    });
    socket.on('error', (error) => this.#end('lost', error.message));
    socket.on('close', () => this.#end('lost', 'the connection was closed'));
  }

  get clientIp(): string {
    return this.target.location.owner.host;
  }

  /** Another relay to the same node gets the same frames while the same publish is there. */
  get origin(): string {
    const { owner, publish } = this.location;
    return `${owner.incarnation} ${publish}`;
  }

  /** The stream this relay feeds; null until its first message. */
  get publication(): Publication | null {
    return this.#publication;
  }

  /** When bytes last came from the owner, pings included (ms of `performance.now`). */
  get heardAt(): number {
    return this.#heardAt;
  }

  kill(): void {
    this.close();
  }

  displaced(): void {
    this.#end('displaced', 'another publisher feeds the stream');
  }

  /** The stream that this relay feeds is at its node again: a relay that was to take over is not needed. */
  keep(channel: Channel, location: Location): void {
    this.location = location;
    if (channel.publication?.publisher !== this && channel.reserve(this, true)) channel.resume(this, this.#terms);
  }

  /** The owner is known to be gone, although the connection has not ended. */
  giveUp(): void {
    this.#end('lost', 'the node is gone');
  }

  /** Stops fetching; the local stream is left to the caller. */
  close(): void {
    if (this.#done) return;
    this.#done = true;
    this.#client.close();
    this.#socket.destroy();
  }

  openMedia(typeId: number, timestamp: number, length: number): PayloadSink {
    return this.#begin()?.openMedia(typeId, timestamp, length) ?? discardingSink;
  }

  data(typeId: number, timestamp: number, payload: Buffer): void {
    const message = readDataMessage(typeId, payload);
    // FMS's note on sample access is for this connection, not part of the stream.
    if (message === undefined || message.name === '|RtmpSampleAccess') return;
    this.#begin()?.appendData(timestamp, message);
  }

  unpublished(): void {
    this.#end('unpublished', 'the stream ended');
  }

  failed(reason: string): void {
    this.#end('lost', reason);
  }

  #silent(): void {
    // Also while the publisher there sends nothing: then only the answer comes.
    if (this.#isAsked || !this.#client.ping()) this.#end('lost', 'no answer in time');
    this.#isAsked = true;
  }

  #read(bytes: number): boolean {
    const { traffic, batching } = this.#env;
    this.#heardAt = performance.now();
    this.#isAsked = false;
    traffic.bytesIn += bytes;
    traffic.relayedBytesIn += bytes;
    traffic.reads += 1;
    this.#client.receive(READ_BUFFER, 0, bytes);
    batching.afterRelayRead(this.#publication?.stream);
    return !this.#done;
  }

  /** With the first message, begins the stream here, or resumes the stream of the former relay or publisher. */
  #begin(): StreamInlet | null {
    if (this.#inlet !== null || this.#done) return this.#inlet;
    const { location } = this;
    const { hub } = this.#env;
    // Its viewers may have left and come back since the relay was made: then there is a new channel of the same name.
    const channel = hub.channel(location.channel);
    // Otherwise a client publishes here or waits for its decision: if it is accepted, its stream counts.
    if (!this.#relays.mayFeed(channel) || !channel.reserve(this, true)) {
      this.#end('displaced', 'the channel has a publisher here');
      return null;
    }
    const current = channel.publication;
    const continues = current !== null && current.grant.streamId === location.streamId;
    const publication = continues ? channel.resume(this, this.#terms, true) : channel.begin(this, this.#terms);
    this.#publication = publication;
    this.#inlet = publication.inlet;
    return this.#inlet;
  }

  get #terms(): StreamBegin {
    const { channel, streamId } = this.location;
    const { keyHash } = this.#env;
    const admitsKey = (key: string): boolean => keyHash.matches(channel, key, this.location.playKeyHash);
    return { key: '', grant: { streamId }, admitsKey };
  }

  #end(end: RelayEnd, reason: string): void {
    if (this.#done) return;
    this.close();
    this.#relays.ended(this, end, reason);
    // Messages behind an unfinished one may be sent now.
    this.#env.batching.afterRelayRead(this.#publication?.stream);
  }
}
