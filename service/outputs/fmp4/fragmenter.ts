import { MessageType } from '../../protocol/message-types';
import type { MediaMessage } from '../stream/output';
import { makeFragment, type Sample } from './fragment';
import { type Frame, readFrame } from './frame';
import { type InitSegment, makeInitSegment } from './init-segment';
import type { Mp4Track } from './mp4-track';
import { TrackClock } from './track-clock';
import { isTaken, notInMp4, readTrack } from './track-reader';

/** Some frames as MP4: a `moof` and an `mdat` box. */
export interface Fragment {
  readonly bytes: Buffer;
  /** The stream's own time of its beginning, as in `MediaMessage` (ms). */
  readonly time: number;
  /** Up to the beginning of the next fragment (ms). */
  readonly duration: number;
  /** A decoder can start here: it begins with a keyframe, or there is no video. */
  readonly isIndependent: boolean;
}

/** Why a new init segment begins. */
export type Beginning = 'start' | 'codec' | 'clock' | 'source';

export interface FragmentSink {
  /** What follows has this init segment, sequence numbers from 1 and a timeline from 0; a file of its own, or a discontinuity. */
  begin(init: InitSegment, why: Beginning): void;
  fragment(fragment: Fragment): void;
  /** Frames of a codec are left out, or the whole stream is if it is video: told once for each codec. */
  unsupported(reason: string, isVideo: boolean): void;
}

export interface FragmenterOptions {
  readonly sink: FragmentSink;
  /** Fragments are not longer than this (ms), as far as frames allow. */
  readonly fragmentMs: number;
  /** Whether a keyframe at this time of the stream (ms) begins a new fragment; by default each one does. */
  readonly cutsAt?: (time: number) => boolean;
}

/** How long (ms of the stream) the beginning waits for the other kind of media's header. */
const WAIT_FOR_TRACKS_MS = 1_000;
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** A fragment that has become this large is cut, so that memory is bounded. */
const MAX_FRAGMENT_BYTES = 16 * 1024 * 1024;
/** A fragment whose video stands still is cut after this much audio (ms). */
const MAX_SILENT_VIDEO_MS = 5_000;
/** Timestamps that step back or ahead by more (ms) are a jump of the publisher's clock. */
const MAX_STEP_BACK_MS = 1_000;
const MAX_STEP_AHEAD_MS = 10_000;
/** A pause of this length (ms) stays a gap: the frame before it is not stretched. */
const GAP_MS = 500;

/**
 * Packages the main audio and video track of a stream as fragmented MP4: init segments, and fragments of any length.
 *
 * The boxes are written by mp4box. mediabunny, the other muxer that was tried, begins a fragment only where every track
 * has a keyframe, so it has no parts within a GOP; it keeps a record of every sample for as long as a file is written;
 * and it takes presentation times alone and makes up decode times, which RTMP has.
 *
 * Times: video in ticks of 1/90000 s, audio in samples. Zero is the first frame. Decode times have 64 bits.
 */
export class Fragmenter {
  readonly #sink: FragmentSink;
  readonly #fragmentMs: number;
  readonly #cutsAt: (time: number) => boolean;
  /** From the newest headers; they hold from the next beginning on. */
  #video: Mp4Track | null = null;
  #audio: Mp4Track | null = null;
  /** Why the next keyframe makes a new beginning; null: it does not. */
  #restart: Beginning | null = 'start';
  /** Frames from the first keyframe on, while it is not known which tracks there are. */
  #waiting: Frame[] = [];
  #waitingBytes = 0;

  #videoClock: TrackClock | null = null;
  #audioClock: TrackClock | null = null;
  /** The stream's time that is zero in the file. */
  #zero = 0;
  #sequenceNumber = 0;
  #videoSamples: Sample[] = [];
  #audioSamples: Sample[] = [];
  #fragmentBytes = 0;
  #fragmentFrom = 0;
  #isIndependent = false;
  /** Video is left out up to the next keyframe. */
  #awaitsKeyframe = true;
  #lastVideo = -1;
  #lastAudio = -1;
  readonly #unsupported = new Set<string>();

  constructor({ sink, fragmentMs, cutsAt = () => true }: FragmenterOptions) {
    this.#sink = sink;
    this.#fragmentMs = fragmentMs;
    this.#cutsAt = cutsAt;
  }

  /** The stream's time (ms) at which the fragment that is being made begins. */
  get from(): number {
    return this.#fragmentFrom;
  }

  /** Takes a message of the stream; what is no audio or video is ignored. */
  write({ typeId, timestamp, payload, flags }: MediaMessage): void {
    if (typeId !== MessageType.Audio && typeId !== MessageType.Video) return;
    const frame = readFrame(payload, timestamp, typeId === MessageType.Video, flags);
    if (frame === undefined) return;
    if (frame.isHeader) this.#header(frame);
    else if (!isTaken(frame.codec)) this.#leaveOut(frame);
    else if (this.#restart === 'start') this.#wait(frame);
    else this.#frame(frame);
  }

  /** Frames are missing before the next one. */
  gap(): void {
    this.#finishTracks();
    this.#awaitsKeyframe = true;
  }

  /** What follows comes from another source: it begins with an init segment of its own. */
  changeSource(): void {
    if (this.#restart !== 'start') this.#restart = 'source';
  }

  /** The end of the stream: hands on what is left. */
  end(): void {
    if (this.#restart === 'start' && this.#waiting.length > 0) this.#beginWaiting();
    this.gap();
  }

  #header(frame: Frame): void {
    const { isVideo, codec, data } = frame;
    const current = isVideo ? this.#video : this.#audio;
    if (current !== null && current.entry === codec && current.header.equals(data)) return;
    const track = isTaken(codec) ? readTrack({ ...frame, data: Buffer.from(data) }) : undefined;
    if (track === undefined) {
      this.#leaveOut(frame);
      return;
    }
    if (isVideo) this.#video = track;
    else this.#audio = track;
    this.#restart ??= 'codec';
  }

  #leaveOut({ codec, isVideo }: Frame): void {
    const reason = isTaken(codec) ? `its ${isVideo ? 'video' : 'audio'} header cannot be read` : notInMp4(codec);
    if (this.#unsupported.has(reason)) return;
    this.#unsupported.add(reason);
    this.#sink.unsupported(reason, isVideo);
  }

  /** Nothing is packaged yet: collects frames until both tracks are known, or one came alone for a while. */
  #wait(frame: Frame): void {
    if ((frame.isVideo ? this.#video : this.#audio) === null) return;
    const first = this.#waiting[0];
    if (first !== undefined && Math.abs(frame.time - first.time) > MAX_STEP_AHEAD_MS) this.#forgetWaiting();
    if (frame.isVideo && !this.#waiting.some(({ isVideo }) => isVideo)) {
      if (!frame.isKey) return;
      // Audio before the first picture would show no picture.
      this.#forgetWaiting();
    }
    this.#waiting.push(frame);
    this.#waitingBytes += frame.data.length;
    const isComplete = this.#video !== null && this.#audio !== null && this.#waiting.some(({ isVideo }) => isVideo);
    const waitedMs = frame.time - this.#waiting[0]!.time;
    if (isComplete || waitedMs >= WAIT_FOR_TRACKS_MS || this.#waitingBytes > MAX_WAITING_BYTES) this.#beginWaiting();
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #beginWaiting(): void {
    const frames = this.#waiting;
    this.#forgetWaiting();
    const hasVideo = frames.some(({ isVideo }) => isVideo);
    // A header of video without frames of it: the track begins when there is a picture.
    this.#begin(frames[0]!, hasVideo);
    for (const frame of frames) this.#frame(frame);
  }

  #begin(first: Frame, hasVideo: boolean): void {
    const why = this.#restart ?? 'start';
    this.#finishTracks();
    const tracks = [hasVideo ? this.#video : null, this.#audio].filter((track) => track !== null);
    this.#videoClock = hasVideo && this.#video ? new TrackClock(this.#video, 1) : null;
    this.#audioClock = this.#audio ? new TrackClock(this.#audio, tracks.length) : null;
    this.#restart = null;
    this.#zero = first.time;
    this.#sequenceNumber = 0;
    this.#lastVideo = this.#lastAudio = -1;
    this.#awaitsKeyframe = hasVideo;
    this.#fragmentFrom = first.time;
    this.#isIndependent = true;
    this.#sink.begin(makeInitSegment(tracks), why);
  }

  #frame(frame: Frame): void {
    if (this.#isJump(frame)) {
      this.gap();
      this.#restart = 'clock';
    }
    if (frame.isVideo && this.#videoClock === null) this.#restart ??= this.#video ? 'codec' : null;
    if (this.#restart !== null && this.#beginsHere(frame)) this.#begin(frame, frame.isVideo);
    if (this.#restart === 'clock') return;
    if (frame.isVideo) this.#videoFrame(frame);
    else this.#audioFrame(frame);
  }

  /** New beginnings are keyframes; audio if there is no video. */
  #beginsHere(frame: Frame): boolean {
    if (frame.isVideo) return frame.isKey && this.#video !== null;
    if (this.#videoClock !== null || this.#audio === null) return false;
    // A header of video has come, and its keyframe has not.
    return this.#restart !== 'codec' || this.#audioClock?.track !== this.#audio;
  }

  #isJump({ isVideo, time }: Frame): boolean {
    const last = isVideo ? this.#lastVideo : this.#lastAudio;
    if (last >= 0 && time < last - MAX_STEP_BACK_MS) return true;
    const latest = Math.max(this.#lastVideo, this.#lastAudio);
    return latest >= 0 && time > latest + MAX_STEP_AHEAD_MS;
  }

  #videoFrame(frame: Frame): void {
    const clock = this.#videoClock;
    if (clock === null) return;
    // A new header already holds for this frame, which is no keyframe: nothing can decode it.
    if (clock.track !== this.#video) return;
    if (this.#awaitsKeyframe && !frame.isKey) return;
    const { time } = frame;
    const step = this.#lastVideo < 0 ? 0 : time - this.#lastVideo;
    if (step > GAP_MS) this.#finishTrack(clock);
    const isLong = time + Math.min(step, this.#fragmentMs / 2) - this.#fragmentFrom > this.#fragmentMs;
    const isLarge = this.#fragmentBytes > MAX_FRAGMENT_BYTES;
    const before = clock.add(frame, time - this.#zero);
    // The frame before lasted longer than could be foreseen: it begins a fragment of its own.
    if (before && this.#lastVideo > this.#fragmentFrom && time - this.#fragmentFrom > this.#fragmentMs)
      this.#cut(this.#lastVideo, before.isKey);
    if (before) this.#keep(this.#videoSamples, before);
    const isKeyCut = frame.isKey && (this.#awaitsKeyframe || this.#cutsAt(time));
    if (isKeyCut || isLong || isLarge || step > GAP_MS) this.#cut(time, frame.isKey);
    this.#awaitsKeyframe = false;
    this.#lastVideo = time;
  }

  #audioFrame(frame: Frame): void {
    const clock = this.#audioClock;
    if (clock === null) return;
    // Audio from before the first picture is left out.
    if (clock.track !== this.#audio || frame.time < this.#zero) return;
    const { time } = frame;
    const isGap = this.#lastAudio >= 0 && time - this.#lastAudio > GAP_MS;
    if (isGap) this.#finishTrack(clock);
    const before = clock.add(frame, time - this.#zero);
    if (before) this.#keep(this.#audioSamples, before);
    const lasted = time - this.#fragmentFrom;
    const isAlone = this.#videoClock === null;
    const step = this.#lastAudio < 0 ? 0 : Math.min(time - this.#lastAudio, this.#fragmentMs / 2);
    const isDue = isAlone ? lasted + step > this.#fragmentMs : lasted > this.#fragmentMs + MAX_SILENT_VIDEO_MS;
    if (isGap || isDue || this.#fragmentBytes > MAX_FRAGMENT_BYTES) this.#cut(time, isAlone);
    this.#lastAudio = time;
  }

  #keep(samples: Sample[], sample: Sample): void {
    samples.push(sample);
    this.#fragmentBytes += sample.data.length;
  }

  /** Takes the track's newest sample as complete, and returns how long it lasts (ms). */
  #finishTrack(clock: TrackClock): number {
    const last = clock.finish();
    if (last === null) return 0;
    this.#keep(clock.track.isVideo ? this.#videoSamples : this.#audioSamples, last);
    return (last.duration * 1000) / clock.track.timescale;
  }

  #finishTracks(): void {
    const audioMs = this.#audioClock ? this.#finishTrack(this.#audioClock) : 0;
    const videoMs = this.#videoClock ? this.#finishTrack(this.#videoClock) : 0;
    const end = this.#videoClock ? this.#lastVideo + videoMs : this.#lastAudio + audioMs;
    this.#cut(Math.max(Math.round(end), this.#fragmentFrom));
  }

  /**
   * Hands on the samples that are complete as a fragment.
   *
   * @param time where the next fragment begins
   * @param isIndependent whether the next fragment begins with a frame that a decoder can start from
   */
  #cut(time: number, isIndependent = false): void {
    const runs = [];
    if (this.#videoClock && this.#videoSamples.length > 0)
      runs.push({ id: this.#videoClock.id, samples: this.#videoSamples });
    if (this.#audioClock && this.#audioSamples.length > 0)
      runs.push({ id: this.#audioClock.id, samples: this.#audioSamples });
    if (runs.length > 0) {
      this.#sequenceNumber += 1;
      this.#sink.fragment({
        bytes: makeFragment(this.#sequenceNumber, runs),
        time: this.#fragmentFrom,
        duration: Math.max(0, time - this.#fragmentFrom),
        isIndependent: this.#isIndependent,
      });
    }
    this.#videoSamples = [];
    this.#audioSamples = [];
    this.#fragmentBytes = 0;
    this.#fragmentFrom = time;
    this.#isIndependent = isIndependent;
  }
}
