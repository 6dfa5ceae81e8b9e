import type { LiveStream } from '../hub/live-stream';
import type { Health } from '../http/api/schemas/health';
import type { Audio, History as HistoryReport, Video } from '../http/api/schemas/stream';
import { judgeAudioBitrate, judgeVideoBitrate } from './bitrate-rules';
import { Facts } from './facts';
import { History } from './history';
import { IssueBook } from './issue-book';
import type { Finding, IssueCode } from './issue-codes';
import { Findings, type Look, type Rule } from './look';
import { judgeDrift, judgeGaps, judgePace, judgeTimestamps } from './pace-rules';
import { judgeFrameRate, judgeKeyframes, judgePicture } from './picture-rules';
import { joined, type Sample, Sampler } from './sample';
import { judgeSound } from './sound-rules';

/** How long a sample takes (s), and how much earlier the tick of a second may come (ms). */
export const SAMPLE_SECONDS = 5;
const EARLY_MS = 500;
const LOOKS_PER_KEYFRAME = 4;

const RULES: readonly Rule[] = [
  judgePace,
  judgeGaps,
  judgeTimestamps,
  judgeDrift,
  judgeKeyframes,
  judgeFrameRate,
  judgePicture,
  judgeVideoBitrate,
  judgeSound,
  judgeAudioBitrate,
];

/** What is known of a stream's health and measures. */
export interface HealthReport {
  readonly health: Health;
  /** null: no frame of this kind has come. */
  readonly video: Video | null;
  readonly audio: Audio | null;
  readonly bitrateKbps: number;
  /** What the encoder calls itself in its metadata; may be empty. */
  readonly encoder: string;
}

export interface StreamHealthOptions {
  readonly stream: LiveStream;
  readonly chunkSize: number;
  /** How long media may wait before it is read here (ms). */
  readonly readDelayMs: number;
}

/**
 * Judges one stream from samples of five seconds. The media path only counts; all work is done here, once in five
 * seconds. Judging begins with the first frame, and again with each new source.
 */
export class StreamHealth {
  readonly #stream: LiveStream;
  readonly #readDelayMs: number;
  readonly #facts: Facts;
  readonly #history = new History(SAMPLE_SECONDS);
  readonly #book = new IssueBook();
  #sampler: Sampler | undefined;
  #last: Sample | undefined;
  #source = -1;
  /** When the history got its newest value. */
  #steppedAt = 0;
  /** Video in whole samples since the newest keyframe (ms). */
  #withoutKeyframeMs = 0;
  #looks = 0;
  #hadVideo = false;
  #hasData = false;

  constructor({ stream, chunkSize, readDelayMs }: StreamHealthOptions) {
    this.#stream = stream;
    this.#readDelayMs = readDelayMs;
    this.#facts = new Facts(stream, chunkSize);
  }

  /**
   * Called about once a second.
   *
   * @param now of a clock that does not go back (ms)
   * @param at milliseconds since the epoch
   */
  tick(now: number, at: number): void {
    const { arrivals } = this.#stream;
    if (this.#source !== arrivals.source) this.#newSource();
    if (this.#sampler === undefined) {
      if (arrivals.video.frames + arrivals.audio.frames > 0) this.#sampler = new Sampler(this.#stream, now);
    } else if (isOver(this.#sampler.age(now))) {
      this.#steppedAt = now;
      this.#look(this.#sampler.take(now), at);
    }
    this.#fillHistory(now, at);
  }

  /** The present sample says nothing about the publisher: the node itself stood still. */
  skip(now: number): void {
    this.#sampler?.restart(now);
    this.#last = undefined;
  }

  /** Called in place of `tick` while the stream has no publisher. */
  pause(now: number, at: number): void {
    if (this.#hasData || this.#sampler !== undefined) this.#newSource();
    this.#fillHistory(now, at);
  }

  get health(): Health {
    return this.#hasData ? { state: this.#book.state, issues: this.#book.issues } : { state: 'noData', issues: [] };
  }

  /** Counts changes of the state, of the issues and of their severities. */
  changes = 0;

  /** Codes of the present issues. */
  codes(): Iterable<IssueCode> {
    return this.#hasData ? this.#book.codes() : [];
  }

  historyReport(at: number): HistoryReport {
    return this.#history.report(at);
  }

  report(): HealthReport {
    this.#facts.refresh();
    const { stats } = this.#stream;
    const { video, audio, claims, videoCodec, audioCodec } = this.#facts;
    return {
      health: this.health,
      video:
        stats.videoFrames === 0
          ? null
          : {
              codec: videoCodec,
              width: video?.width ?? claims.width ?? null,
              height: video?.height ?? claims.height ?? null,
              fps: stats.frameRate > 0 ? stats.frameRate : null,
              keyframeIntervalSeconds: stats.keyframeIntervalSeconds > 0 ? stats.keyframeIntervalSeconds : null,
              bitrateKbps: stats.videoKbps,
            },
      audio:
        stats.audioBytes === 0
          ? null
          : {
              codec: audioCodec,
              sampleRate: audio?.sampleRate ?? claims.sampleRate ?? null,
              channels: audio?.channels ?? claims.channels ?? null,
              bitrateKbps: stats.audioKbps,
            },
      bitrateKbps: stats.bitrateKbps,
      encoder: claims.encoder,
    };
  }

  /** While no sample is taken, the history gets empty values, so that its steps stay equal. */
  #fillHistory(now: number, at: number): void {
    if (this.#sampler !== undefined || this.#history.isEmpty || !isOver(now - this.#steppedAt)) return;
    this.#steppedAt = now;
    this.#history.add(at);
  }

  #newSource(): void {
    this.#source = this.#stream.arrivals.source;
    this.#sampler = undefined;
    this.#last = undefined;
    this.#withoutKeyframeMs = 0;
    this.#looks = 0;
    this.#facts.forget();
    this.#hadVideo = false;
    this.#judged(false, []);
  }

  #look(sample: Sample, at: number): void {
    const { stats } = this.#stream;
    const window = this.#last === undefined ? sample : joined(this.#last, sample);
    const isFull = this.#last !== undefined;
    this.#last = sample;
    const keyframeSeconds = stats.keyframeIntervalSeconds;
    this.#history.add(
      at,
      (sample.bytes * 8) / sample.ms,
      sample.videoFrames > 0 ? (sample.videoFrames * 1000) / sample.ms : undefined,
      sample.videoFrames > 0 && keyframeSeconds > 0 ? keyframeSeconds : undefined,
    );
    if (window.video.frames + window.audio.frames === 0) {
      this.#judged(false, []);
      return;
    }
    this.#withoutKeyframeMs = sample.keyframes > 0 ? 0 : this.#withoutKeyframeMs + sample.video.advanceMs;
    this.#looks += 1;
    this.#facts.refresh(this.#looks % LOOKS_PER_KEYFRAME === 0);
    const findings = new Findings();
    const look: Look = {
      window,
      isFull,
      facts: this.#facts,
      keyframeSeconds,
      withoutKeyframeSeconds: this.#withoutKeyframeMs / 1000,
      hadVideo: this.#hadVideo,
      readDelayMs: this.#readDelayMs,
    };
    for (const judge of RULES) judge(look, findings);
    this.#judged(true, findings.found, at);
    this.#hadVideo ||= window.video.frames > 0;
  }

  #judged(hasData: boolean, findings: readonly Finding[], at = 0): void {
    const hadData = this.#hasData;
    this.#hasData = hasData;
    if (!hasData) this.#book.clear();
    else if (this.#book.look(findings, at)) this.changes += 1;
    if (hadData !== hasData) this.changes += 1;
  }
}

/** Whether a step of the history, which began this long ago (ms), is over. */
function isOver(ageMs: number): boolean {
  return ageMs >= SAMPLE_SECONDS * 1000 - EARLY_MS;
}
