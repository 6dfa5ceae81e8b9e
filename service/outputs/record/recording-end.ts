import type { Logger } from '../../logging/logger';
import { type RecordingDocument, sumUp } from './recording-document';
import { recordingFact, type TellRecording } from './recording-fact';
import type { RecordingStorage } from './storage';

export interface RecordingEndOptions {
  /** Id of the output. */
  readonly output: string;
  readonly tell: TellRecording;
  readonly log: Logger;
}

/**
 * Stores what is left of a recording whose document says how it ended, tells of it, and forgets what is kept for after a
 * crash when the node has heard of it.
 *
 * @param storage undefined: no file has begun
 * @returns why not all of it is stored; empty: it is
 */
export async function completeRecording(
  document: RecordingDocument,
  storage: RecordingStorage | undefined,
  options: RecordingEndOptions,
): Promise<string> {
  const outcome = (await storage?.finish()) ?? { is: 'stored' };
  const fault = outcome.is === 'fault' ? outcome.reason : '';
  if (fault !== '' && document.state !== 'failed') {
    Object.assign(document, { state: 'failed', code: 'storage', reason: fault });
  }
  if (outcome.is === 'left') return fault;
  // A stream without a frame was not recorded, and nobody misses it.
  const isWorthTelling = document.files.length > 0 || document.state === 'failed';
  const told = outcome.is !== 'taken' && isWorthTelling ? tellEnd(document, storage, options) : Promise.resolve(true);
  await storage?.forget(told);
  return fault;
}

function tellEnd(
  document: RecordingDocument,
  storage: RecordingStorage | undefined,
  { output, tell, log }: RecordingEndOptions,
): Promise<boolean> {
  sumUp(document);
  const { channel, streamId } = document;
  const fields = { channel, stream_id: streamId, place: storage?.place };
  const words = `recording ${document.state}: ${document.reason}`;
  if (document.state === 'failed') log.error(words, fields);
  else log.info(words, fields);
  const isStored = (number: number): boolean => storage?.isStored(number) ?? false;
  return tell(recordingFact(document, output, storage?.place ?? '', isStored));
}
