import { connect, type Socket } from 'node:net';
import { PlayClient, type PlayEvents } from '../client/play-client';
import type { Channel } from '../hub/channel';
import type { Publication, Publisher } from '../hub/publication';
import type { TrafficCounters } from '../metrics/traffic-counters';
import type { Batching } from '../net/batching';
import { READ_BUFFER } from '../net/read-buffer';
import { discardingSink, type PayloadSink } from '../protocol/chunk/payload-sink';
import { readDataMessage } from '../protocol/message/data-message';
import type { KeyHash } from '../admission/key-hash';
import type { Lease, NodeAddress } from './stream-registry';

/** What all relays of a node share. */
export interface RelayEnvironment {
  readonly batching: Batching;
  readonly traffic: TrafficCounters;
  readonly keyHash: KeyHash;
}

export interface RelayTarget {
  readonly lease: Lease;
  readonly owner: NodeAddress;
  /** Allows the play. */
  readonly token: string;
}

/** How a relay ended: the stream is over, or the way to it broke. */
export type RelayEnd = 'unpublished' | 'lost';

const CONNECT_MS = 3_000;
/** The owner pings every 30 s; nothing for this long means that it is gone (ms). */
const SILENCE_MS = 45_000;
/** PROXY protocol v2, command LOCAL, no addresses: the connection is the node's own. */
const LOCAL_PROXY_HEADER = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');
/** A name that passes the rules for keys; what counts is the token. */
const STREAM_NAME = 'relay';

/** Fetches a channel from the node where it is published and publishes it here, for however many players. */
export class Relay implements Publisher, PlayEvents {
  readonly isRelay = true;
  readonly software = 'relay';
  readonly target: RelayTarget;

  readonly #env: RelayEnvironment;
  readonly #channel: Channel;
  readonly #client: PlayClient;
  readonly #socket: Socket;
  readonly #ended: (relay: Relay, end: RelayEnd) => void;
  #publication: Publication | null = null;
  #done = false;

  /** @param ended called once, not after `close` or when displaced */
  constructor(
    env: RelayEnvironment,
    channel: Channel,
    target: RelayTarget,
    ended: (relay: Relay, end: RelayEnd) => void,
  ) {
    this.#env = env;
    this.#channel = channel;
    this.target = target;
    this.#ended = ended;
    const { owner, lease, token } = target;
    const request = {
      app: lease.channel,
      tcUrl: `rtmp://${owner.host}:${owner.port}/${lease.channel}`,
      streamName: `${STREAM_NAME}?fleet=${token}`,
    };
    const socket = connect({
      host: owner.host,
      port: owner.port,
      noDelay: true,
      onread: { buffer: READ_BUFFER, callback: (bytes) => this.#read(bytes) },
    });
    this.#socket = socket;
    this.#client = new PlayClient(request, this, (bytes) => void socket.write(bytes));
    socket.setTimeout(CONNECT_MS, () => this.#end('lost'));
    socket.on('connect', () => {
      socket.setTimeout(SILENCE_MS);
      if (owner.proxyHeader) socket.write(LOCAL_PROXY_HEADER);
      this.#client.start();
    });
    socket.on('error', () => this.#end('lost'));
    socket.on('close', () => this.#end('lost'));
  }

  get clientIp(): string {
    return this.target.owner.host;
  }

  /** The stream this relay feeds; null until its first message. */
  get publication(): Publication | null {
    return this.#publication;
  }

  kill(): void {
    this.close();
  }

  displaced(): void {
    this.close();
  }

  /** Stops fetching; the local stream is left to the caller. */
  close(): void {
    if (this.#done) return;
    this.#done = true;
    this.#channel.withdraw(this);
    this.#client.close();
    this.#socket.destroy();
  }

  playing(): void {}

  openMedia(typeId: number, timestamp: number, length: number): PayloadSink {
    return this.#begin()?.stream.openMedia(typeId, timestamp, length) ?? discardingSink;
  }

  data(typeId: number, timestamp: number, payload: Buffer): void {
    const message = readDataMessage(typeId, payload);
    // FMS's note on sample access is for this connection, not part of the stream.
    if (message === undefined || message.name === '|RtmpSampleAccess') return;
    this.#begin()?.stream.appendData(timestamp, message);
  }

  unpublished(): void {
    this.#end('unpublished');
  }

  failed(): void {
    this.#end('lost');
  }

  #read(bytes: number): boolean {
    const { traffic, batching } = this.#env;
    traffic.bytesIn += bytes;
    traffic.reads += 1;
    this.#client.receive(READ_BUFFER, 0, bytes);
    batching.afterRead();
    return !this.#done;
  }

  /** With the first message the stream begins here, or goes on from the relay or publisher before. */
  #begin(): Publication | null {
    if (this.#publication !== null || this.#done) return this.#publication;
    const { lease } = this.target;
    const { keyHash } = this.#env;
    if (!this.#channel.reserve(this, true)) {
      // A client is being decided on here; if it is let in, its stream is the one.
      this.#end('lost');
      return null;
    }
    const current = this.#channel.publication;
    const grant = { streamId: lease.streamId };
    const admitsKey = (key: string): boolean => keyHash.matches(key, lease.playKeyHash);
    const begin = { key: '', grant, admitsKey };
    const continues = current !== null && current.grant.streamId === lease.streamId;
    this.#publication = continues ? this.#channel.resume(this, begin) : this.#channel.begin(this, begin);
    return this.#publication;
  }

  #end(end: RelayEnd): void {
    if (this.#done) return;
    this.close();
    this.#ended(this, end);
  }
}
