import type { LiveStream } from '../hub/live-stream';
import type { AmfObject } from '../protocol/amf/amf-value';
import { decodeStart } from '../protocol/chunk/chunk-writer';
import type { AudioHeader, VideoHeader } from '../protocol/media/codec-headers';
import { isClosedH264 } from '../protocol/media/keyframe-kind';
import { codecName } from '../protocol/media/media-tag';
import { mainContents, readAudioHeader, readVideoHeader } from '../protocol/media/sequence-header';
import { readVp9Keyframe } from '../protocol/media/vp9-header';
import { type Claims, readClaims } from './claims';

/** More of a header is not looked at, nor of a keyframe (bytes). */
const MAX_HEADER_BYTES = 4096;
const MAX_KEYFRAME_BYTES = 1024;

/**
 * What a stream's headers, metadata and newest keyframe say. They are read when somebody asks, not when they arrive,
 * and again only if they have changed.
 */
export class Facts {
  videoCodec = '';
  audioCodec = '';
  /** undefined: there is none, or it cannot be read. */
  video: VideoHeader | undefined;
  audio: AudioHeader | undefined;
  claims: Claims = readClaims(undefined);
  /** Whether decoders can start at the newest keyframe; undefined: not known. */
  isClosed: boolean | undefined;

  readonly #stream: LiveStream;
  readonly #chunkSize: number;
  #read = '';
  #keyframeSeen = false;
  #metadata: AmfObject | undefined;

  /** @param chunkSize of the stream's encoded messages */
  constructor(stream: LiveStream, chunkSize: number) {
    this.#stream = stream;
    this.#chunkSize = chunkSize;
  }

  /**
   * Reads what has changed.
   *
   * @param keyframe looks at the newest keyframe, even if one was seen before
   */
  refresh(keyframe = false): void {
    const { config, stats } = this.#stream;
    const version = `${config.revision} ${stats.videoCodec} ${stats.audioCodec}`;
    if (version !== this.#read) {
      this.#read = version;
      this.#readHeaders();
    }
    if (config.description !== this.#metadata) {
      this.#metadata = config.description;
      this.claims = readClaims(this.#metadata);
    }
    if (keyframe || !this.#keyframeSeen) this.#lookAtKeyframe();
  }

  /** Another source follows. */
  forget(): void {
    this.#read = '';
  }

  #lookAtKeyframe(): void {
    if (this.videoCodec !== 'avc1' && this.videoCodec !== 'vp09') return;
    const message = this.#stream.keyframeStart(MAX_KEYFRAME_BYTES);
    const frame = message && mainContents(message, true, this.#stream.mainTracks.mainVideoTrack);
    if (frame === undefined) return;
    this.#keyframeSeen = true;
    if (this.videoCodec === 'avc1') this.isClosed = isClosedH264(frame);
    else this.#addSize(readVp9Keyframe(frame));
  }

  #readHeaders(): void {
    this.#keyframeSeen = false;
    this.isClosed = undefined;
    const { config, stats, mainTracks } = this.#stream;
    this.videoCodec = codecName(stats.videoCodec, true);
    this.audioCodec = codecName(stats.audioCodec, false);
    const video = this.#start(config.mainHeader(true, stats.videoCodec));
    const audio = this.#start(config.mainHeader(false, stats.audioCodec));
    this.video = video && readVideoHeader(video, stats.videoCodec, mainTracks.mainVideoTrack);
    this.audio = audio && readAudioHeader(audio, stats.audioCodec, mainTracks.mainAudioTrack);
  }

  #start(header: Buffer | undefined): Buffer | undefined {
    return header && decodeStart(header, this.#chunkSize, MAX_HEADER_BYTES);
  }

  /** A header of VP9 does not contain the picture's size, its keyframes do. */
  #addSize(size: { width: number; height: number } | undefined): void {
    if (this.video !== undefined && size !== undefined) this.video = { ...this.video, ...size };
  }
}
