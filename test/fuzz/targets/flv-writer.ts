import { flvHeader, tagLength, writeTag } from '../../../service/protocol/flv/flv-tag';
import { encodeMessage } from '../../../service/protocol/chunk/chunk-writer';
import { FlvContainer } from '../../../service/outputs/record/flv-container';
import type { FileSink } from '../../../service/outputs/record/container';
import { FlvReader } from '../../support/rtmp/flv-file';
import { mediaMessages, messageSeeds } from '../seeds/media-sequences';
import { Input } from '../engine/input';
import { must, type Target } from '../engine/target';

/** Whatever a publisher sends in whatever order, a reader that shares no code finds in the files what was written. */
export const target: Target = {
  name: 'flv-writer',
  reads: 'messages of a stream, written as FLV for players and files',
  maxLength: 600,
  cost: 2,
  steps: { base: 100_000, perByte: 2_000 },
  seeds: messageSeeds,
  run(data) {
    const input = new Input(data);
    const chunkSize = 1 + input.number(2);
    const messages = mediaMessages(input);
    const tags = [flvHeader({ audio: true, video: true })];
    const files: Buffer[][] = [];
    const container = new FlvContainer(sinkInto(files));
    for (const message of messages) {
      const { typeId, payload } = message;
      const timestamp = message.timestamp >>> 0;
      const encoded = encodeMessage(4, timestamp, typeId, 1, payload, chunkSize);
      const tag = Buffer.alloc(tagLength(encoded, 0));
      must(writeTag(encoded, 0, chunkSize, tag, 0) === tag.length, 'a tag of another length than foretold');
      tags.push(tag);
      if (message.event === 'gap') container.gap();
      if (message.event === 'cut') container.cut('size');
      container.write(message);
    }
    container.end();
    const played = new FlvReader();
    played.push(Buffer.concat(tags));
    const sent = messages.filter(({ typeId }) => typeId === 8 || typeId === 9);
    must(played.media.length === sent.length, 'a player gets another number of messages');
    for (const [i, { timestamp, payload }] of sent.entries()) {
      must(played.media[i]!.timestamp === timestamp >>> 0, 'a player gets another timestamp');
      must(played.media[i]!.payload.equals(payload), 'a player gets another payload');
    }
    checkFiles(files, sent.length);
  },
};

function sinkInto(files: Buffer[][]): FileSink {
  return {
    begin: () => void files.push([]),
    append: (bytes) => files.at(-1)!.push(Buffer.from(bytes)),
    tracks: () => undefined,
    unsupported: () => undefined,
  };
}

function checkFiles(files: readonly Buffer[][], sent: number): void {
  let read = 0;
  for (const file of files) {
    const bytes = Buffer.concat(file);
    const reader = new FlvReader();
    reader.push(bytes);
    must(reader.flags !== undefined, 'a file without a header');
    for (const { timestamp } of reader.media) must(timestamp < 2 ** 31, 'a time that players take for negative');
    read += reader.media.length;
  }
  // Headers are repeated at the beginning of each file.
  must(read <= sent + 140 * files.length, 'files have more in them than was sent');
}
