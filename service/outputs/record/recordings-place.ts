import type { RecordingName } from './file-names';
import type { RecordingDocument } from './recording-document';
import type { RecordingStorage } from './storage';

export interface StorageOptions {
  /** Shared: the recording keeps it up to date. */
  readonly document: RecordingDocument;
  /** Id of the output. */
  readonly output: string;
  readonly name: RecordingName;
  /** Told once, when nothing can be stored any more. */
  readonly onFault: (reason: string) => void;
  /** The rest of a file will never be stored. `isPresent`: it is the file being written, and the next one is to begin. */
  readonly onFileFault: (reason: string, isPresent: boolean) => void;
}

/** Where all recordings of a program go. */
export interface RecordingsPlace {
  /** The longest and largest file that can be stored there (ms, bytes); 0: there is no limit. */
  readonly longestMs: number;
  readonly largestBytes: number;
  open(options: StorageOptions): RecordingStorage;
  /** Called every few seconds. */
  beat(): void;
  /** Completes recordings that dead programs left. Never rejects; what it cannot complete it tries again. */
  recover(): Promise<void>;
  /** Breaks off what is under way; the next program completes it. */
  close(): Promise<void>;
}
