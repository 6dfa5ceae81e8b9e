import { randomBytes } from 'node:crypto';
import type { S3Place } from '../../config/output-settings';
import { messageOf } from '../../errors/error-text';
import type { Logger } from '../../logging/logger';
import { S3Bucket, s3Fault } from '../s3/s3-bucket';
import { Journals } from './journals';
import type { TellRecording } from './recording-fact';
import type { RecordingsPlace, StorageOptions } from './recordings-place';
import { Retrying } from './retrying';
import { CLAIM_NAME, JOURNAL_NAME, rootOf, S3Journal, unfinishedRoot } from './s3-layout';
import { Claimed, recoverFromBucket, recoverFromDisk, type S3RecoveryOptions, Untold } from './s3-recovery';
import { S3Storage } from './s3-storage';
import { LARGEST_FILE_BYTES, LONGEST_FILE_MS } from './segments';
import { SpoolBudget } from './spool-budget';
import type { RecordingStorage } from './storage';
import { nextLookMs, sampleUnfinished } from './unfinished-sample';

/**
 * Objects of a recording that nobody has renewed for this long (ms) belong to a program that is dead. They are renewed
 * every 20 s or more often. The time counts only while this program itself reaches the bucket: after an outage of S3,
 * the others get time to renew theirs.
 */
const DEAD_AFTER_MS = 150_000;

export interface S3RecordingsOptions {
  readonly place: S3Place;
  readonly spoolDir: string;
  readonly spoolBytes: number;
  readonly tell: TellRecording;
  readonly log: Logger;
  readonly deadAfterMs?: number;
}

/** What was seen of another program's recording, and since when (ms of the monotonic clock). */
interface Sighting {
  readonly versions: string;
  readonly since: number;
  readonly isClaimed: boolean;
  /** All its objects were seen; otherwise only the journal. */
  readonly isListed: boolean;
}

const NOT_SEEN: Sighting = { versions: '', since: 0, isClaimed: false, isListed: false };

/** Recordings in a bucket, by way of the local disk. */
export class S3Recordings implements RecordingsPlace {
  /** In its claims of recordings that others left. */
  readonly #owner = randomBytes(12).toString('hex');
  readonly longestMs = LONGEST_FILE_MS;
  readonly largestBytes = LARGEST_FILE_BYTES;
  readonly #options: S3RecordingsOptions;
  readonly #bucket: S3Bucket;
  readonly #journals: Journals;
  readonly #budget: SpoolBudget;
  readonly #stop = new AbortController();
  /** Recordings of this program. */
  readonly #own = new Set<string>();
  /** Those that were left on this machine's disk. */
  readonly #onDisk = new Map<string, S3Journal>();
  /** Of recordings that may be dead. */
  readonly #sightings = new Map<string, Sighting>();
  #nextLookAt = 0;

  constructor(options: S3RecordingsOptions) {
    this.#options = options;
    this.#bucket = new S3Bucket(options.place.bucket);
    this.#journals = new Journals(options.spoolDir);
    this.#budget = new SpoolBudget(options.spoolBytes);
  }

  open({ document, output, name, onFault, onFileFault }: StorageOptions): RecordingStorage {
    const { place } = this.#options;
    this.#own.add(document.id);
    return new S3Storage({
      ...{
        document,
        output,
        onFault,
        onFileFault,
        bucket: this.#bucket,
        journals: this.#journals,
        budget: this.#budget,
      },
      folder: `${rootOf(place)}${name.folder}/`,
      stem: name.stem,
      unfinished: this.#unfinished(document.id),
      retrying: new Retrying(this.#stop.signal, s3Fault),
      onForgotten: () => this.#own.delete(document.id),
    });
  }

  beat(): void {
    this.#journals.beat();
  }

  async recover(): Promise<void> {
    await this.#recoverDisk();
    if (this.#hasStopped()) return;
    try {
      await this.#recoverBucket();
    } catch (error) {
      // After an outage, the others get time to renew theirs.
      this.#sightings.clear();
      this.#nextLookAt = 0;
      if (!this.#hasStopped()) this.#options.log.debug(`unfinished recordings: ${s3Fault(error)}`);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#bucket.close();
    await this.#journals.close();
  }

  async #recoverDisk(): Promise<void> {
    const { log } = this.#options;
    for (const [id, { text }] of await this.#journals.adopt()) {
      const journal = parse(text);
      if (journal !== undefined) this.#onDisk.set(id, journal);
      else log.warning('an unfinished recording cannot be completed: its journal cannot be read', { recording: id });
    }
    for (const [id, journal] of this.#onDisk) {
      if (this.#hasStopped()) return;
      try {
        await recoverFromDisk(journal, this.#journals.folder(id), this.#recovery(id));
        this.#onDisk.delete(id);
        await this.#journals.remove(id);
      } catch (error) {
        log.warning(`an unfinished recording cannot be completed yet: ${wordsOf(error)}`, { recording: id });
      }
    }
  }

  async #recoverBucket(): Promise<void> {
    const now = performance.now();
    if (now >= this.#nextLookAt) await this.#look();
    for (const [id, before] of this.#sightings) {
      if (this.#hasStopped()) return;
      const sighting = await this.#see(id, before, now);
      if (sighting === undefined) {
        this.#sightings.delete(id);
        continue;
      }
      this.#sightings.set(id, sighting);
      if (!sighting.isListed || now - sighting.since < (this.#options.deadAfterMs ?? DEAD_AFTER_MS)) continue;
      await this.#recoverOne(id, sighting.isClaimed);
    }
  }

  async #look(): Promise<void> {
    const isOther = (id: string): boolean => !this.#own.has(id) && !this.#onDisk.has(id);
    const ids = await sampleUnfinished(this.#bucket, unfinishedRoot(this.#options.place), isOther);
    for (const id of ids) if (!this.#sightings.has(id)) this.#sightings.set(id, NOT_SEEN);
    this.#nextLookAt = performance.now() + nextLookMs();
  }

  /** A recording whose journal has changed since the last look is alive: undefined. What seems dead is seen as a whole. */
  async #see(id: string, before: Sighting, now: number): Promise<Sighting | undefined> {
    const unfinished = this.#unfinished(id);
    if (!before.isListed) {
      const journal = await this.#bucket.look(`${unfinished}${JOURNAL_NAME}`);
      if (journal !== undefined && before === NOT_SEEN) return { ...NOT_SEEN, versions: journal.version };
      if (journal !== undefined && journal.version !== before.versions) return undefined;
    }
    const objects = await this.#bucket.list(unfinished);
    if (objects.length === 0) return undefined;
    const versions = objects.map(({ key, version }) => `${key} ${version}`).join(' ');
    const since = before.isListed && before.versions === versions ? before.since : now;
    return { versions, since, isListed: true, isClaimed: objects.some(({ key }) => key.endsWith(`/${CLAIM_NAME}`)) };
  }

  async #recoverOne(id: string, isClaimStale: boolean): Promise<void> {
    const { log } = this.#options;
    try {
      const unfinished = this.#unfinished(id);
      const journal = parse((await this.#bucket.get(`${unfinished}${JOURNAL_NAME}`))?.toString() ?? '');
      if (journal === undefined) {
        // What is left of a recording that is complete.
        await this.#bucket.remove((await this.#bucket.list(unfinished)).map(({ key }) => key));
        return;
      }
      await recoverFromBucket(journal, { ...this.#recovery(id), isClaimStale });
    } catch (error) {
      if (error instanceof Claimed) return;
      log.warning(`an unfinished recording cannot be completed yet: ${wordsOf(error)}`, { recording: id });
    }
  }

  #recovery(id: string): S3RecoveryOptions {
    const { tell, log } = this.#options;
    return { bucket: this.#bucket, unfinished: this.#unfinished(id), owner: this.#owner, tell, log };
  }

  #hasStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #unfinished(id: string): string {
    return `${unfinishedRoot(this.#options.place)}${id}/`;
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Claimed || error instanceof Untold ? messageOf(error) : s3Fault(error);
}

function parse(text: string): S3Journal | undefined {
  try {
    return S3Journal.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
