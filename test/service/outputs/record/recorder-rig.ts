import { afterAll } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordConfig } from '../../../../service/config/output-settings';
import { Recorder } from '../../../../service/outputs/record/recorder';
import type { RecordingDocument } from '../../../../service/outputs/record/recording-document';
import type { RecordingFact } from '../../../../service/outputs/record/recording-fact';
import type { StreamIdentity } from '../../../../service/outputs/stream/output';
import { MemoryLogger } from '../../../support/memory-logger';

const folders: string[] = [];

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rtmp-record-'));
  folders.push(folder);
  return folder;
}

export const noon = Date.UTC(2026, 10, 29, 18, 30, 5);
export const news: StreamIdentity = { channel: 'news', streamId: 'ID1', startedAt: noon };
export const stopped = { code: 'stopped', reason: 'the publisher ended the stream' };

export function recordSettings(changes: Partial<RecordConfig>): RecordConfig {
  return {
    ...{ place: undefined, formats: ['flv'], streams: 'all', partMs: 0, partBytes: 0 },
    ...{ spoolDir: join(newFolder(), 'spool'), spoolBytes: 1024 * 1024 * 1024 },
    ...changes,
  };
}

/** A recorder on a directory, with a clock that stands still unless a test moves it. */
export class RecorderRig {
  readonly root: string;
  readonly facts: RecordingFact[] = [];
  readonly log = new MemoryLogger();
  readonly recorder: Recorder;
  now = noon;
  /** Whether the node has what is told. */
  told = Promise.resolve(true);

  constructor(changes: Partial<RecordConfig> = {}, root = newFolder()) {
    this.root = root;
    const settings = recordSettings({ place: { kind: 'directory', path: root }, ...changes });
    this.recorder = new Recorder({
      ...{ settings, log: this.log, now: () => this.now },
      tell: (fact) => {
        this.facts.push(fact);
        return this.told;
      },
    });
  }

  /** Everything below the place of recordings, by path, without what is kept for after a crash. */
  get files(): string[] {
    return filesBelow(this.root).filter((path) => !path.startsWith('.unfinished'));
  }

  document(path: string): RecordingDocument {
    return JSON.parse(readFileSync(join(this.root, path), 'utf8')) as RecordingDocument;
  }
}

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort();
}
