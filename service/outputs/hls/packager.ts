import type { HlsConfig } from '../../config/output-settings';
import type { HlsStatus } from '../../http/api/schemas/output';
import type { Logger } from '../../logging/logger';
import { S3Bucket } from '../s3/s3-bucket';
import type { Output, StreamIdentity } from '../stream/output';
import { DirectoryStore } from './directory-store';
import { HlsChannels } from './hls-channel';
import { type HlsFact, HlsOutput } from './hls-output';
import { HlsServer } from './hls-server';
import { type HlsStore, MULTIVARIANT, pathOf } from './place';
import { S3Store } from './s3-store';

export interface PackagerOptions {
  readonly settings: HlsConfig;
  /** What the node shows when it asks for playlists and segments. */
  readonly token: () => string | undefined;
}

export interface PackagedStream {
  readonly id: string;
  readonly origin: HlsStatus['origin'];
  readonly identity: StreamIdentity;
  readonly tell: (fact: HlsFact) => void;
  readonly log: Logger;
  /** The stream is also recorded: its segments stay, and list the whole stream when it has ended. */
  readonly isRecorded: boolean;
}

/**
 * The longest part of a segment in low latency (ms): half a second, and room for times that are rounded. Parts have to
 * be 85 % of it at least (RFC 8216bis section 4.4.4.9), as they are with 8 frames a second and more.
 */
const PART_MS = 505;
/** Bytes of one stream that may wait to be stored. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** Packages streams for browsers, and has an HTTP port for the node where they are read from this machine. */
export class Packager {
  readonly #options: PackagerOptions;
  readonly #channels = new HlsChannels();
  readonly #server: HlsServer;
  #bucket: S3Bucket | undefined;

  constructor(options: PackagerOptions) {
    this.#options = options;
    this.#server = new HlsServer(this.#channels, options.token);
  }

  /** Opens the port; undefined: players read from elsewhere. */
  async listen(port = 0): Promise<number | undefined> {
    const { place } = this.#options.settings;
    return place === undefined || place.kind === 's3' ? undefined : await this.#server.listen(port);
  }

  /** Begins to package a stream. There must be a place. */
  open({ id, origin, identity, isRecorded, tell, log }: PackagedStream): Output {
    const { settings } = this.#options;
    const { segmentMs, lowLatency } = settings;
    const { channel } = identity;
    const store = this.#storeOf(channel);
    const isRemote = settings.place?.kind === 's3';
    return new HlsOutput({
      ...{ id, origin, identity, tell, log, segmentMs, isRemote },
      partMs: lowLatency && !isRemote ? PART_MS : 0,
      channel: this.#channels.open(channel),
      ...(store && { store }),
      maxWaitingBytes: MAX_WAITING_BYTES,
      keepsAll: isRecorded && store !== undefined,
      url: isRemote ? `${store?.place ?? ''}${MULTIVARIANT}` : `/hls/${pathOf(channel)}/${MULTIVARIANT}`,
      over: () => this.#channels.leave(channel),
    });
  }

  async close(): Promise<void> {
    this.#channels.close();
    await this.#server.close();
    this.#bucket?.close();
  }

  #storeOf(channel: string): HlsStore | undefined {
    const { place } = this.#options.settings;
    if (place?.kind === 'directory') return new DirectoryStore(place.path, channel);
    if (place?.kind !== 's3') return undefined;
    this.#bucket ??= new S3Bucket(place.bucket);
    return new S3Store(this.#bucket, place.prefix, channel);
  }
}
