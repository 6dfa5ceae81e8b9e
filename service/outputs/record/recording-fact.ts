import type { Fact } from '../../events/fact';
import type { RecordingDocument } from './recording-document';

/** What recordings tell. */
export type RecordingFact = Extract<Fact, { type: 'recording.done' | 'recording.failed' | 'output.gap' }>;
/** Resolves when the node has the fact; false: this program ends before it knows that. */
export type TellRecording = (fact: RecordingFact) => Promise<boolean>;

/** More files would make the event too large. */
const MAX_FILES = 100;

/**
 * @param place of one of the files: the others are beside it
 * @param isStored whether a file is where it belongs
 */
export function recordingFact(
  document: RecordingDocument,
  output: string,
  place: string,
  isStored: (number: number) => boolean = () => true,
): RecordingFact {
  const { id, state, channel, streamId, format, startedAt, seconds, bytes, reason, files } = document;
  const folder = place.slice(0, place.lastIndexOf('/') + 1);
  return {
    type: state === 'failed' ? 'recording.failed' : 'recording.done',
    ...{ recording: id, channel, streamId, output, format, startedAt, bytes, reason, parts: files.length },
    seconds: Math.round(seconds),
    gaps: files.reduce((sum, { gaps }) => sum + gaps.length, 0),
    codecs: [...new Set(files.flatMap(({ video, audio }) => [video, audio]))].filter((name) => name !== ''),
    files: files
      .filter((_, index) => isStored(index + 1))
      .slice(-MAX_FILES)
      .map((file) => ({
        ...{ place: `${folder}${file.name}`, startedAt: file.startedAt, bytes: file.bytes },
        seconds: Math.round(file.seconds),
      })),
  };
}
