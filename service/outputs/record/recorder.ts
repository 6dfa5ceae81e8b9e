import type { RecordConfig } from '../../config/output-settings';
import type { Logger } from '../../logging/logger';
import type { RecordFormat } from '../policy/output-policy';
import type { Output, StreamIdentity } from '../stream/output';
import { DirectoryRecordings } from './directory-recordings';
import { recordingName } from './file-names';
import { FlvContainer } from './flv-container';
import { Mp4Container } from './mp4-container';
import { Recording } from './recording';
import type { TellRecording } from './recording-fact';
import type { RecordingsPlace } from './recordings-place';
import { S3Recordings } from './s3-recordings';

/** Bytes are with the operating system after this time (ms), on the disk or in S3 after the other one. */
const WRITE_EVERY_MS = 1_000;
const KEEP_EVERY_MS = 5_000;
/** How often this program looks for recordings that others left unfinished (ms). */
const RECOVER_EVERY_MS = 60_000;

export interface RecorderOptions {
  readonly settings: RecordConfig;
  readonly tell: TellRecording;
  readonly log: Logger;
  readonly now?: () => number;
  /** Another place than that of the settings, for tests. */
  readonly place?: RecordingsPlace;
}

export interface OpenRecordingOptions {
  readonly id: string;
  readonly origin: 'policy' | 'order';
  readonly identity: StreamIdentity;
  readonly format: RecordFormat;
}

/** All recordings of a program. Created once; it completes what an earlier program left. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #now: () => number;
  readonly #recordings = new Set<Recording>();
  readonly #place: RecordingsPlace;
  readonly #timers: NodeJS.Timeout[] = [];
  #recovering: Promise<void> | undefined;

  /** @throws Error if the settings have no place for recordings */
  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#place = options.place ?? placeOf(options);
  }

  /** Completes what earlier programs left, and looks for more from time to time. */
  start(): void {
    this.#every(WRITE_EVERY_MS, () => this.#recordings.forEach((recording) => recording.tick()));
    this.#every(KEEP_EVERY_MS, () => this.keep());
    this.#every(RECOVER_EVERY_MS, () => void this.recover());
    void this.recover();
  }

  /** Called every few seconds. */
  keep(): void {
    this.#place.beat();
    this.#recordings.forEach((recording) => recording.keep());
  }

  /** Completes recordings of programs that are dead. Never rejects. */
  recover(): Promise<void> {
    this.#recovering ??= this.#place.recover().finally(() => (this.#recovering = undefined));
    return this.#recovering;
  }

  openRecording(options: OpenRecordingOptions): Output {
    const { settings, tell, log } = this.#options;
    const { channel, streamId } = options.identity;
    const recording = new Recording({
      ...options,
      ...{ tell, log, now: this.#now, longestMs: this.#place.longestMs },
      partMs: least(settings.partMs, this.#place.longestMs),
      partBytes: least(settings.partBytes, this.#place.largestBytes),
      openContainer: (sink) => (options.format === 'mp4' ? new Mp4Container(sink) : new FlvContainer(sink)),
      openStorage: (document, onFault, onFileFault) => {
        const name = recordingName(channel, streamId, Date.parse(document.startedAt));
        return this.#place.open({ document, output: options.id, name, onFault, onFileFault });
      },
      onDone: () => this.#recordings.delete(recording),
    });
    this.#recordings.add(recording);
    return recording;
  }

  /** After all recordings have ended, or were given the time for it. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#place.close();
    await this.#recovering;
  }

  #every(ms: number, action: () => void): void {
    this.#timers.push(setInterval(action, ms).unref());
  }
}

/** Of two limits; 0: none. */
function least(one: number, other: number): number {
  return one === 0 || other === 0 ? one + other : Math.min(one, other);
}

function placeOf({ settings, tell, log }: RecorderOptions): RecordingsPlace {
  const { place, spoolDir, spoolBytes } = settings;
  if (place === undefined) throw new Error('RECORD_TO is not set');
  if (place.kind === 'directory') return new DirectoryRecordings({ root: place.path, tell, log });
  return new S3Recordings({ place, spoolDir, spoolBytes, tell, log });
}
