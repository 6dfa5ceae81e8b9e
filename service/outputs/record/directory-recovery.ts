import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { codeOf, messageOf } from '../../errors/error-text';
import type { Logger } from '../../logging/logger';
import { FileSource, findCompleteEnd } from './complete-end';
import { saveDocument } from './directory-storage';
import { fileName } from './file-names';
import type { LeftJournal } from './journals';
import { KILLED } from './killed';
import { type RecordedFile, RecordingDocument, sumUp } from './recording-document';
import { recordingFact, type TellRecording } from './recording-fact';

const Journal = z.object({ document: RecordingDocument, output: z.string(), folder: z.string(), stem: z.string() });

export interface RecoveryOptions {
  readonly id: string;
  /** As the dead program left it. */
  readonly journal: LeftJournal;
  readonly root: string;
  readonly tell: TellRecording;
  readonly log: Logger;
}

/** Of a recording that ended on a full disk, when not even its journal could say so. */
const NOT_STORED = 'nothing more could be stored';

/**
 * Completes a recording in a directory: cuts the last file after its last complete message, writes the JSON, tells.
 *
 * @returns whether nothing is left to be done; false: nobody has heard of it
 */
export async function recoverDirectory({ id, journal, root, tell, log }: RecoveryOptions): Promise<boolean> {
  const parsed = Journal.safeParse(parse(journal.text));
  if (!parsed.success) {
    log.warning('an unfinished recording cannot be completed: its journal cannot be read', { recording: id });
    return true;
  }
  const { document, folder, stem, output } = parsed.data;
  const path = join(root, folder);
  // A program that was killed after the end of a recording has already said why it ended.
  if (document.state === 'recording') {
    const failed = { state: 'failed', code: 'storage', reason: NOT_STORED };
    Object.assign(document, journal.isTold ? failed : { state: 'done', code: 'killed', reason: KILLED });
  }
  const last = document.files.at(-1);
  const files: RecordedFile[] = [];
  for (const [index, file] of document.files.entries()) {
    file.name ||= fileName(stem, index + 1, document.format);
    await cut(join(path, file.name), file, document.format, log);
    if (file.bytes > 0) files.push(file);
  }
  document.files = files;
  document.endedAt = last?.endedAt ?? document.endedAt;
  sumUp(document);
  if (files.length === 0) Object.assign(document, { state: 'failed', reason: `${KILLED} before anything was stored` });
  await saveDocument(path, stem, document);
  const place = join(path, files[0]?.name ?? stem);
  log.info(`recording ${document.state}: ${document.reason}`, { channel: document.channel, place });
  return journal.isTold || tell(recordingFact(document, output, place));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Cuts what is torn, and notes what is left. A file in which nothing can be played is removed. */
async function cut(path: string, entry: RecordedFile, format: 'flv' | 'mp4', log: Logger): Promise<void> {
  try {
    const file = await open(path, 'r+');
    try {
      const { size } = await file.stat();
      // The journal knows a place between two messages, unless the system lost what was not on the disk yet.
      const from = size < entry.bytes ? 0 : entry.bytes;
      const end = await findCompleteEnd(new FileSource(file, size), format, from);
      if (end.bytes < size) await file.truncate(end.bytes);
      await file.sync();
      entry.bytes = end.bytes;
      if (end.ms !== undefined && end.ms / 1000 > entry.seconds) {
        entry.endedAt = new Date(Date.parse(entry.endedAt) + end.ms - entry.seconds * 1000).toISOString();
        entry.seconds = end.ms / 1000;
      }
    } finally {
      await file.close();
    }
    if (entry.bytes === 0) await rm(path);
  } catch (error) {
    entry.bytes = 0;
    if (codeOf(error) !== 'ENOENT') log.error(`${path}: ${messageOf(error)}`);
  }
}
