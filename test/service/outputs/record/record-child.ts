import { Recorder } from '../../../../service/outputs/record/recorder';
import { messagesOfFlv } from '../../../support/rtmp/stream-messages';
import { MemoryLogger } from '../../../support/memory-logger';

/** Records a file again and again into a folder, at the speed of a stream, until it is killed. Prints how much it sent. */
const [root = '', source = '', lengthMs = ''] = process.argv.slice(2);
const recorder = new Recorder({
  settings: {
    ...{ place: { kind: 'directory', path: root }, formats: ['flv'], streams: 'all', partMs: 0, partBytes: 0 },
    ...{ spoolDir: '', spoolBytes: 0 },
  },
  ...{ tell: () => Promise.resolve(true), log: new MemoryLogger() },
});
recorder.start();
const identity = { channel: 'news', streamId: 'ID1', startedAt: Date.now() };
const recording = recorder.openRecording({ id: 'record-flv', origin: 'policy', identity, format: 'flv' });
const begun = performance.now();
let round = 0;
let messages = messagesOfFlv(source);
let next = 0;

setInterval(() => {
  const now = performance.now() - begun;
  for (;;) {
    if (next === messages.length) {
      round += 1;
      messages = messagesOfFlv(source, round * Number(lengthMs));
      next = 0;
    }
    if (messages[next]!.timestamp > now) break;
    recording.write(messages[next]!);
    next += 1;
  }
  recording.flush();
  process.stdout.write(`sent ${Math.floor(now)}\n`);
}, 50);
