import type { RecordingStatus } from '../../http/api/schemas/output';
import type { Logger } from '../../logging/logger';
import { MediaFlag } from '../../protocol/media/media-tag';
import { MessageType } from '../../protocol/message-types';
import type { RecordFormat } from '../policy/output-policy';
import type { MediaMessage, Output, StreamEnding, StreamIdentity } from '../stream/output';
import type { Container, FileSink, FileStart } from './container';
import { PartBudget } from './part-budget';
import { MAX_FILES, newDocument, type RecordingDocument, sumUp } from './recording-document';
import { completeRecording } from './recording-end';
import type { TellRecording } from './recording-fact';
import { RunningFile } from './running-file';
import type { RecordingStorage } from './storage';

/** With this much collected, a flush writes. */
const WRITE_BYTES = 256 * 1024;
/** With this much unwritten the disk is too slow, and frames are left out until a quarter of it is left. */
const MAX_UNWRITTEN_BYTES = 32 * 1024 * 1024;
const CHANGES_TOO_OFTEN = "the publisher's codec or clock changes too often";

export interface RecordingOptions {
  readonly id: string;
  readonly origin: 'policy' | 'order';
  readonly identity: StreamIdentity;
  readonly format: RecordFormat;
  /** The longest and largest file (ms, bytes); 0: as long as the stream. */
  readonly partMs: number;
  readonly partBytes: number;
  /** As `partMs`, by this machine's clock: the stream's may stand still. */
  readonly longestMs: number;
  readonly tell: TellRecording;
  readonly log: Logger;
  readonly now: () => number;
  readonly openContainer: (sink: FileSink) => Container;
  /**
   * @param document shared: the recording keeps it up to date
   * @param onFault told once, when nothing can be stored any more
   */
  readonly openStorage: (
    document: RecordingDocument,
    onFault: (reason: string) => void,
    onFileFault: (reason: string, isPresent: boolean) => void,
  ) => RecordingStorage;
  /** Called once, when the recording needs no more calls of `tick` and `keep`. */
  readonly onDone: (recording: Recording) => void;
}

/**
 * Records a stream in one format, as one file or several, with a JSON beside them. A stream of very many files becomes
 * several recordings, each with a JSON and an event.
 */
export class Recording implements Output {
  readonly id: string;
  readonly isPatient = true;
  readonly #options: RecordingOptions;
  readonly #container: Container;
  readonly #parts: PartBudget;
  #document: RecordingDocument;
  /** Opened with the first frame. */
  #storage: RecordingStorage | undefined;
  #file: RunningFile | undefined;
  /** Recordings of this stream that have become too long, until they are completed. */
  readonly #former = new Set<RecordingStorage>();
  readonly #completing: Promise<unknown>[] = [];
  /** What is in them. */
  readonly #before = { bytes: 0, seconds: 0, parts: 0 };
  /** Since when what comes is left out, because too many files have begun (ms of the wall clock). */
  #refusedSince: number | undefined;
  /** When the first keyframe came (ms of the wall clock). */
  #firstAt: number | undefined;
  #collected = 0;
  #isSkipping = false;
  #skippedFrom = 0;
  #gaps = 0;
  #reason = '';
  #ending: Promise<void> | undefined;

  constructor(options: RecordingOptions) {
    this.id = options.id;
    this.#options = options;
    this.#parts = new PartBudget(options.partMs);
    this.#document = newDocument(options.identity, options.format, options.now());
    this.#container = options.openContainer({
      begin: (start) => this.#begin(start),
      append: (bytes) => this.#append(bytes),
      tracks: (video, audio) => {
        if (this.#refusedSince === undefined) this.#file?.tracks(video, audio);
      },
      unsupported: (reason, isVideo) => this.#unsupported(reason, isVideo),
    });
  }

  write(message: MediaMessage): void {
    if (this.#ending !== undefined) return;
    if (this.#skips(message)) return;
    // A format may collect for seconds before it begins a file.
    if ((message.flags & MediaFlag.Keyframe) !== 0) this.#firstAt ??= this.#options.now();
    this.#container.write(message);
    const file = this.#file;
    if (file === undefined) return;
    const { partBytes, partMs, now } = this.#options;
    if (this.#refusedSince !== undefined) {
      if (this.#parts.mayBegin(now())) this.#container.cut('codec');
    } else if (partBytes > 0 && file.bytes >= partBytes) {
      this.#container.cut('size');
    } else if (partMs > 0 && this.#container.fileMs >= partMs && this.#parts.mayBegin(now())) {
      this.#container.cut('time');
    }
  }

  flush(): void {
    if (this.#collected < WRITE_BYTES) return;
    this.tick();
  }

  /** Called every second. */
  tick(): void {
    this.#collected = 0;
    this.#storage?.write();
  }

  /** Called every few seconds. */
  keep(): void {
    this.#update();
    const { longestMs, now } = this.#options;
    if (longestMs > 0 && (this.#file?.age(now()) ?? 0) >= longestMs) this.#container.cut('time');
    this.#storage?.keep();
    for (const storage of this.#former) storage.keep();
  }

  gap(missingMs: number): void {
    if (this.#ending !== undefined) return;
    this.#container.gap();
    this.#container.allowStep(missingMs);
    this.#noteGap(missingMs, 'not received');
  }

  held(): void {
    if (this.#refusedSince === undefined) this.#file?.held(this.#container.fileMs, this.#options.now());
  }

  resumed(): void {
    const pausedMs = this.#file?.resumed(this.#options.now()) ?? 0;
    this.#container.allowStep(pausedMs);
  }

  end(ending: StreamEnding): Promise<void> {
    this.#ending ??= this.#end(ending, 'done');
    return this.#ending;
  }

  status(): RecordingStatus {
    this.#update();
    const { format, startedAt, files, state, bytes, seconds } = this.#document;
    const { trouble = '', waiting = 0, place = '' } = this.#storage ?? {};
    const now = state === 'recording' ? this.#state(trouble) : state === 'failed' ? 'failed' : 'finishing';
    const before = this.#before;
    const hindrance = this.#refusedSince === undefined ? trouble : CHANGES_TOO_OFTEN;
    return {
      ...{ kind: 'record', id: this.id, origin: this.#options.origin, since: startedAt, format, place, state: now },
      ...{ reason: this.#reason === '' ? hindrance : this.#reason, bytes: before.bytes + bytes, gaps: this.#gaps },
      ...{ seconds: Math.floor(before.seconds + seconds), parts: before.parts + files.length, waitingBytes: waiting },
    };
  }

  #state(trouble: string): RecordingStatus['state'] {
    if (this.#file === undefined) return 'waiting';
    return trouble === '' ? 'recording' : 'spooling';
  }

  #begin(start: FileStart): void {
    const now = this.#options.now();
    this.#update();
    const isFirst = this.#file === undefined;
    if (!isFirst && this.#refusedSince === undefined && start.why !== undefined) this.#file!.entry.ended = start.why;
    // Parts by size are as few as the settings say.
    if (start.why !== 'size' && !this.#mayBegin(now)) return;
    if (this.#document.files.length >= MAX_FILES) this.#continueInAnother(now);
    const { files } = this.#document;
    const startedAt = isFirst ? (this.#firstAt ?? now) : now;
    if (isFirst) this.#document.startedAt = new Date(startedAt).toISOString();
    this.#storage ??= this.#openStorage(this.#document);
    this.#file = new RunningFile(start, startedAt, files);
    files.push(this.#file.entry);
    this.#storage.begin(files.length);
    this.#resume(now);
  }

  #mayBegin(now: number): boolean {
    if (this.#parts.mayBegin(now)) {
      this.#parts.take();
      return true;
    }
    if (this.#refusedSince === undefined) {
      this.#refusedSince = now;
      this.#options.log.warning(`recording pauses: ${CHANGES_TOO_OFTEN}`, this.#fields());
    }
    return false;
  }

  /** Notes what was left out before the file that begins, or before the end. */
  #resume(now: number): void {
    if (this.#refusedSince === undefined) return;
    const missingMs = Math.max(0, now - this.#refusedSince);
    this.#refusedSince = undefined;
    this.#gaps += 1;
    this.#file!.missing(missingMs, CHANGES_TOO_OFTEN);
    this.#tellGap(missingMs);
  }

  #openStorage(document: RecordingDocument): RecordingStorage {
    return this.#options.openStorage(
      document,
      (reason) => {
        if (document === this.#document) this.#fail(reason);
      },
      (reason, isPresent) => this.#fileFault(reason, isPresent && document === this.#document),
    );
  }

  /** The JSON would become too large: this recording ends, and the file that begins is the first one of another. */
  #continueInAnother(now: number): void {
    const { identity, format } = this.#options;
    const [document, storage] = [this.#document, this.#storage];
    const reason = `It has ${MAX_FILES} files: the stream continues in another recording`;
    Object.assign(document, { state: 'done', code: 'continued', reason, endedAt: new Date(now).toISOString() });
    this.#before.bytes += document.bytes;
    this.#before.seconds += document.seconds;
    this.#before.parts += document.files.length;
    this.#document = newDocument(identity, format, now);
    this.#storage = undefined;
    if (storage === undefined) return;
    this.#former.add(storage);
    const completed = this.#complete(document, storage).then(() => this.#former.delete(storage));
    this.#completing.push(completed);
  }

  #append(bytes: Buffer): void {
    if (this.#refusedSince !== undefined) return;
    this.#collected += bytes.length;
    this.#file!.bytes += bytes.length;
    this.#storage!.append(bytes);
  }

  /** While the disk is too slow, leaves out frames; headers are few and small. */
  #skips({ flags, typeId, timestamp }: MediaMessage): boolean {
    const unwritten = this.#storage?.unwritten ?? 0;
    if (!this.#isSkipping) {
      if (unwritten < MAX_UNWRITTEN_BYTES) return false;
      this.#isSkipping = true;
      this.#skippedFrom = timestamp;
    }
    if ((flags & MediaFlag.Config) !== 0 || typeId === MessageType.DataAmf0) return false;
    const mayBegin = (flags & MediaFlag.Keyframe) !== 0 || this.#file?.entry.video === '';
    if (!mayBegin || unwritten > MAX_UNWRITTEN_BYTES / 4) return true;
    this.#isSkipping = false;
    const missingMs = Math.max(0, timestamp - this.#skippedFrom);
    this.#container.gap();
    this.#container.allowStep(missingMs);
    this.#noteGap(missingMs, 'the disk was too slow');
    this.#tellGap(missingMs);
    return false;
  }

  #noteGap(missingMs: number, reason: string): void {
    if (this.#refusedSince !== undefined) return;
    this.#gaps += 1;
    this.#file?.gap(this.#container.fileMs, missingMs, reason, this.#options.now());
  }

  #tellGap(missingMs: number): void {
    const { identity, tell } = this.#options;
    const { channel, streamId } = identity;
    const gap = { type: 'output.gap', channel, streamId, output: this.id, kind: 'record' } as const;
    void tell({ ...gap, missingMs: Math.round(missingMs) });
  }

  #unsupported(reason: string, isVideo: boolean): void {
    if (isVideo) this.#fail(reason);
    else this.#options.log.warning(`recording leaves out part of the stream: ${reason}`, this.#fields());
  }

  #fileFault(reason: string, isPresent: boolean): void {
    this.#options.log.error(`the rest of a file of a recording is lost: ${reason}`, this.#fields());
    if (isPresent) this.#container.cut('storage');
  }

  #fail(reason: string): void {
    this.#ending ??= this.#end({ code: 'storage', reason }, 'failed');
  }

  async #end({ code, reason }: StreamEnding, how: 'done' | 'failed'): Promise<void> {
    // A fault may be told from within `begin`.
    await Promise.resolve();
    if (how === 'done') this.#container.end();
    this.#update();
    this.#resume(this.#options.now());
    const document = this.#document;
    document.endedAt = new Date(this.#options.now()).toISOString();
    document.state = how;
    document.code = code;
    document.reason = reason;
    if (how === 'failed') this.#reason = reason;
    await Promise.all([this.#complete(document, this.#storage), ...this.#completing]);
    this.#options.onDone(this);
  }

  async #complete(document: RecordingDocument, storage: RecordingStorage | undefined): Promise<void> {
    const { log, tell } = this.#options;
    const fault = await completeRecording(document, storage, { output: this.id, log, tell });
    if (document === this.#document && fault !== '') this.#reason = fault;
  }

  #update(): void {
    if (this.#document.state !== 'recording') return;
    if (this.#refusedSince === undefined) this.#file?.update(this.#container.fileMs, this.#options.now());
    sumUp(this.#document);
  }

  #fields() {
    const { channel, streamId } = this.#options.identity;
    return { channel, stream_id: streamId, place: this.#storage?.place };
  }
}
