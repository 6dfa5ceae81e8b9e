import { splitAggregate } from '../../../service/protocol/message/aggregate';
import { ProtocolError } from '../../../service/protocol/protocol-errors';
import { avcAacStream } from '../../support/rtmp/media';
import { aggregate, MessageType } from '../../support/rtmp/wire-builder';
import { must, type Target } from '../engine/target';

/** Parts lie within the message, one behind the other, and make the same message again. */
export const target: Target = {
  name: 'aggregate',
  reads: 'aggregate messages',
  maxLength: 2_048,
  seeds: () => {
    const parts = avcAacStream('fuzz', 4, { size: 60 }).map(({ kind, timestamp, payload }) => ({
      ...{ type: MessageType[kind], streamId: 1, timestamp, payload },
    }));
    return [Buffer.concat([Buffer.of(0, 0, 0, 40), aggregate(parts, 1, 40).payload])];
  },
  run(data) {
    if (data.length < 4) return;
    const base = data.readUInt32BE(0);
    const payload = data.subarray(4);
    const parts: { type: number; time: number; bytes: Buffer }[] = [];
    let covered = 0;
    try {
      splitAggregate(base, payload, (type, time, bytes) => {
        must(bytes.byteOffset - payload.byteOffset === covered + 11 || bytes.length === 0, 'a part is somewhere else');
        must(Number.isInteger(time) && time >= 0 && time <= 0xffffffff, 'a time that is none');
        covered += 11 + bytes.length + 4;
        parts.push({ type, time, bytes });
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      must(error.code === 'bad_aggregate', 'a fault that is not declared');
    }
    must(covered <= payload.length + 4, 'parts reach behind the end');
    must(parts.length === 0 || parts[0]!.time === base, 'the first part has another time than the message');
  },
};
