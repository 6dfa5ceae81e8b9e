import type { FileStart } from './container';
import { type RecordedFile, roomForStretches, type Stretch } from './recording-document';

/** The entry of a file that is being written, in the JSON of its recording. */
export class RunningFile {
  readonly entry: RecordedFile;
  bytes = 0;
  readonly #startedAt: number;
  /** How many gaps and pauses may still be listed. */
  #room: number;
  #updatedMs = 0;
  /** Wall clock and file when the publisher was lost. */
  #held: { readonly at: number; readonly fileMs: number } | undefined;
  /** Wall clock and file at the last interruption, until the next frame. */
  #stopped: { readonly at: number; readonly fileMs: number } | undefined;
  /** Interruptions by the wall clock, less what the stream's clock advanced over them (ms). */
  #stoppedMs = 0;

  /** @param before the files of the recording before this one */
  constructor({ streamTime, video, audio }: FileStart, now: number, before: readonly RecordedFile[]) {
    this.#room = roomForStretches(before);
    this.#startedAt = now;
    const at = new Date(now).toISOString();
    this.entry = {
      ...{ name: '', startedAt: at, endedAt: at, seconds: 0, bytes: 0, video, audio, streamTime },
      ...{ driftMs: 0, ended: '', gaps: [], pauses: [] },
    };
  }

  /** How long ago the file began (ms). */
  age(now: number): number {
    return now - this.#startedAt;
  }

  tracks(video: string, audio: string): void {
    this.entry.video = video;
    this.entry.audio = audio;
  }

  held(fileMs: number, now: number): void {
    this.#held = { at: now, fileMs };
    this.#stopped ??= this.#held;
  }

  /** @returns how long the pause was (ms) */
  resumed(now: number): number {
    if (this.#held === undefined) return 0;
    const pausedMs = Math.max(0, now - this.#held.at);
    const { fileMs } = this.#held;
    this.#held = undefined;
    this.#add(this.entry.pauses, { at: fileMs / 1000, seconds: pausedMs / 1000, reason: 'no publisher' });
    return pausedMs;
  }

  gap(fileMs: number, missingMs: number, reason: string, now: number): void {
    this.#stopped ??= { at: now - missingMs, fileMs };
    this.#add(this.entry.gaps, { at: fileMs / 1000, seconds: missingMs / 1000, reason });
  }

  /** What is missing before the beginning of this file, or after its end, which is now. */
  missing(missingMs: number, reason: string): void {
    this.#add(this.entry.gaps, { at: this.entry.seconds, seconds: missingMs / 1000, reason });
  }

  #add(list: Stretch[], stretch: Stretch): void {
    if (this.#room <= 0) return;
    this.#room -= 1;
    list.push(stretch);
  }

  /** Brings the entry up to date. */
  update(fileMs: number, now: number): void {
    const { entry } = this;
    entry.bytes = this.bytes;
    if (fileMs === this.#updatedMs) return;
    if (this.#stopped !== undefined) {
      this.#stoppedMs += now - this.#stopped.at - (fileMs - this.#stopped.fileMs);
      this.#stopped = undefined;
    }
    this.#updatedMs = fileMs;
    entry.seconds = fileMs / 1000;
    entry.endedAt = new Date(now).toISOString();
    entry.driftMs = Math.round(now - this.#startedAt - fileMs - this.#stoppedMs);
  }
}
