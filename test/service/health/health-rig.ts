import { HealthMonitor } from '../../../service/health/health-monitor';
import type { Publication } from '../../../service/hub/publication';
import type { Publisher } from '../../../service/hub/publisher';
import type { Health } from '../../../service/http/api/schemas/health';
import type { Amf } from '../../support/rtmp/amf-test-codec';
import { audioConfigs, videoRecords } from '../../vectors/codec-header-vectors';
import { StreamRig } from '../hub/stream-rig';

/** How a publisher sends. Defaults: what an encoder without fault sends. */
export interface Sending {
  readonly metadata?: Readonly<Record<string, Amf>>;
  /** Name of the video record among the vectors; null: no video. */
  readonly video?: string | null;
  /** Configuration of AAC in hex; null: no audio. */
  readonly audio?: string | null;
  readonly fps?: number;
  /** Real fps, if it differs from the timestamps'. Media seconds for each second of the clock. */
  readonly speed?: number;
  readonly keyframeSeconds?: number;
  readonly kbps?: number;
  readonly audioKbps?: number;
  /** Frames reach the server in batches of this length (ms). */
  readonly batchMs?: number;
  /** Messages of audio come several at once, all with the timestamp of the first. */
  readonly audioBurst?: number;
  /** What is done to a frame's timestamp; undefined: the frame is left out. */
  readonly shift?: (kind: 'video' | 'audio', timestamp: number) => number | undefined;
  /** The first NAL unit of keyframes: 0x65 is an IDR picture. */
  readonly keyframeNal?: number;
}

const AAC_FRAME_MS = 1024_000 / 48_000;

/** A publisher, a stream and its health, on one virtual clock. */
export class HealthRig {
  readonly rig: StreamRig;
  readonly told: Health[] = [];
  readonly monitor: HealthMonitor;
  publication: Publication;
  readonly #sending: Required<Omit<Sending, 'shift'>> & Pick<Sending, 'shift'>;
  #mediaMs = 0;
  #nextVideo = 0;
  #nextAudio = 0;
  #videoFrames = 0;
  #waiting: { at: number; send: () => void }[] = [];

  constructor(sending: Sending = {}, { latencyMs = 100, chunkSize = 4096 } = {}) {
    this.rig = new StreamRig({ chunkSize });
    this.#sending = {
      metadata: { width: 1280, height: 720, framerate: 30, audiosamplerate: 48000, stereo: true, encoder: 'Lavf60' },
      video: 'x264, High',
      audio: '119056e500',
      fps: 30,
      speed: 1,
      keyframeSeconds: 2,
      kbps: 2500,
      audioKbps: 128,
      batchMs: 0,
      audioBurst: 1,
      keyframeNal: 0x65,
      ...sending,
    };
    const { stream } = this.rig;
    const publisher: Publisher = { clientIp: '192.0.2.1', software: '', isRelay: false, kill() {}, displaced() {} };
    this.publication = { channel: 'news', key: 'key', stream, inlet: stream, publisher, grant: { streamId: 'id' } };
    this.monitor = new HealthMonitor({
      hub: { publications: () => [this.publication] },
      chunkSize: this.rig.env.chunkSize,
      latencyMs,
      wallClock: () => Date.UTC(2026, 0, 1) + this.rig.clock,
    });
    this.monitor.listen((_publication, health) => this.told.push(health));
  }

  get health(): Health {
    return this.monitor.report(this.publication).health;
  }

  get codes(): string[] {
    return this.health.issues.map(({ code }) => code);
  }

  /** Sends metadata and headers. */
  begin(sending: Sending = {}): this {
    Object.assign(this.#sending, sending);
    const { metadata, video, audio } = this.#sending;
    this.rig.data(this.#mediaMs, 'onMetaData', metadata);
    const record = videoRecords.find(({ name }) => name === video);
    if (record !== undefined) {
      const head = record.codec === 'avc1' ? Buffer.of(0x17, 0, 0, 0, 0) : enhanced(0, record.codec);
      this.rig.video(this.#mediaMs, Buffer.concat([head, Buffer.from(record.hex, 'hex')]));
    }
    if (audio !== null) this.rig.audio(this.#mediaMs, Buffer.from(`af00${audio}`, 'hex'));
    return this;
  }

  /** Sends media for this long, with a tick each second. */
  run(seconds: number, sending: Sending = {}): this {
    Object.assign(this.#sending, sending);
    for (let step = 0; step < seconds * 100; step += 1) {
      this.rig.clock += 10;
      this.rig.traffic.heardAt = this.rig.clock;
      this.#mediaMs += 10 * this.#sending.speed;
      this.#sendDue();
      if (step % 100 === 99) this.monitor.tick(this.rig.clock);
    }
    return this;
  }

  /** The publisher stops for this long; `withMedia`: its media time advances, and is left out. */
  silence(seconds: number, { withMedia = true } = {}): this {
    for (let second = 0; second < seconds; second += 1) {
      this.rig.clock += 1000;
      if (withMedia) {
        this.#mediaMs += 1000;
        this.#nextVideo += 1000;
        this.#nextAudio += 1000;
      }
      this.monitor.tick(this.rig.clock);
    }
    return this;
  }

  /** The node stands still, while the publisher's media collects in the socket. */
  standStill(seconds: number): this {
    this.rig.clock += 1000 * seconds;
    this.#mediaMs += 1000 * seconds;
    return this;
  }

  #sendDue(): void {
    const { fps, audioBurst, batchMs, video, audio, shift } = this.#sending;
    while (video !== null && this.#nextVideo <= this.#mediaMs) {
      const timestamp = this.#nextVideo;
      const sent = shift === undefined ? timestamp : shift('video', timestamp);
      const payload = this.#videoFrame();
      if (sent !== undefined) this.#send(() => this.rig.video(Math.round(sent) >>> 0, payload));
      this.#nextVideo += 1000 / fps;
    }
    while (audio !== null && this.#nextAudio + AAC_FRAME_MS * (audioBurst - 1) <= this.#mediaMs) {
      const timestamp = this.#nextAudio;
      for (let i = 0; i < audioBurst; i += 1) {
        const sent = shift === undefined ? timestamp : shift('audio', timestamp);
        if (sent !== undefined) this.#send(() => this.rig.audio(Math.round(sent) >>> 0, this.#audioFrame()));
        this.#nextAudio += AAC_FRAME_MS;
      }
    }
    if (batchMs === 0 || this.rig.clock % batchMs === 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const { send } of waiting) send();
    }
  }

  #send(send: () => void): void {
    this.#waiting.push({ at: this.rig.clock, send });
  }

  #videoFrame(): Buffer {
    const { fps, keyframeSeconds, kbps, keyframeNal, video } = this.#sending;
    const isKeyframe = this.#videoFrames % Math.round(keyframeSeconds * fps) === 0;
    this.#videoFrames += 1;
    const record = videoRecords.find(({ name }) => name === video);
    const codec = record?.codec ?? 'avc1';
    const head =
      codec === 'avc1' ? Buffer.of(isKeyframe ? 0x17 : 0x27, 1, 0, 0, 0) : enhanced(isKeyframe ? 3 : 3, codec);
    if (codec !== 'avc1' && !isKeyframe) head[0] = 0xa3;
    const bytes = Buffer.alloc(Math.max(8, Math.round((kbps * 1000) / 8 / fps)));
    bytes.writeUInt32BE(bytes.length - 4);
    bytes[4] = isKeyframe ? keyframeNal : 0x41;
    return Buffer.concat([head, bytes]);
  }

  #audioFrame(): Buffer {
    const { audioKbps } = this.#sending;
    return Buffer.concat([Buffer.of(0xaf, 1), Buffer.alloc(Math.round((audioKbps * AAC_FRAME_MS) / 8))]);
  }
}

function enhanced(type: number, codec: string): Buffer {
  return Buffer.concat([Buffer.of(0x90 | type), Buffer.from(codec, 'latin1')]);
}

export const AAC = Object.fromEntries(audioConfigs.map(({ name, hex }) => [name, hex]));
