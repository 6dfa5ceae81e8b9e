import { createFile, Log, MP4BoxBuffer } from 'mp4box';
import { readFileSync } from 'node:fs';
import type { MediaMessage } from '../../../../service/outputs/stream/output';
import { MediaTag, readAudioTag, readVideoTag } from '../../../../service/protocol/media/media-tag';
import { MessageType } from '../../../../service/protocol/message-types';
import { mediaOfFlv } from '../../../support/rtmp/flv-file';
import type { MediaItem } from '../../../support/rtmp/media';

/** Messages as a followed stream hands them on: with their flags. */
export function messagesOf(items: readonly MediaItem[]): MediaMessage[] {
  const tag = new MediaTag();
  return items.map(({ kind, timestamp, payload }) => {
    const isVideo = kind === 'video';
    (isVideo ? readVideoTag : readAudioTag)(payload, 0, payload.length, tag);
    return { typeId: isVideo ? MessageType.Video : MessageType.Audio, timestamp, payload, flags: tag.flags };
  });
}

export function messagesOfFlv(path: string): MediaMessage[] {
  return messagesOf(mediaOfFlv(path));
}

/** What an Enhanced RTMP encoder would send of an MP4 file: a sequence header for each track, then frames by time. */
export function messagesOfMp4(path: string): MediaMessage[] {
  const bytes = readFileSync(path);
  const file = createFile(true);
  // It says of every `dfLa` box that it is too short.
  Log.error = () => {};
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(new Uint8Array(bytes).buffer, 0));
  file.flush();
  const items: MediaItem[] = [];
  for (const { id, codec, timescale } of file.getInfo().tracks) {
    const entry = file.getTrackById(id).mdia.minf.stbl.stsd.entries[0]!;
    const fourCc = codec.startsWith('hev1') ? 'hvc1' : codec.slice(0, 4);
    const isVideo = CONFIG_OF_VIDEO.has(fourCc);
    const config = entry.boxes!.find(({ type }) => CONFIGS.has(type))!;
    const record = bytes.subarray(config.start! + 8, config.start! + config.size);
    const kind = isVideo ? 'video' : 'audio';
    const head = (type: number, isKey = true): Buffer =>
      Buffer.concat([Buffer.of(isVideo ? 0x80 | (isKey ? 0x10 : 0x20) | type : 0x90 | type), Buffer.from(fourCc)]);
    items.push({ kind, timestamp: 0, payload: Buffer.concat([head(0), headerOf(config.type, record)]) });
    for (const { cts, dts, is_sync: isKey, offset, size } of file.getTrackSamplesInfo(id)) {
      const delay = Buffer.alloc(WITH_OFFSET.has(fourCc) ? 3 : 0);
      if (delay.length > 0) delay.writeIntBE(Math.round(((cts - dts) * 1000) / timescale), 0, 3);
      const payload = Buffer.concat([head(1, isKey), delay, bytes.subarray(offset, offset + size)]);
      items.push({ kind, timestamp: Math.round((dts * 1000) / timescale), payload });
    }
  }
  return messagesOf(items.sort((a, b) => a.timestamp - b.timestamp));
}

const CONFIG_OF_VIDEO = new Set(['avc1', 'hvc1', 'av01', 'vp09']);
const CONFIGS = new Set(['avcC', 'hvcC', 'av1C', 'vpcC', 'dOps', 'dfLa']);
const WITH_OFFSET = new Set(['avc1', 'hvc1']);

/** The sequence header in RTMP for the box in an MP4 file. */
function headerOf(type: string, record: Buffer): Buffer {
  if (type === 'dfLa') return Buffer.concat([Buffer.from('fLaC'), record.subarray(4)]);
  if (type !== 'dOps') return record;
  const head = Buffer.concat([Buffer.from('OpusHead'), record]);
  head[8] = 1;
  head.writeUInt16LE(record.readUInt16BE(2), 10);
  head.writeUInt32LE(record.readUInt32BE(4), 12);
  head.writeInt16LE(record.readInt16BE(8), 16);
  return head;
}
