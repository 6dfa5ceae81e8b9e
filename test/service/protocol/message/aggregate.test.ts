import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { splitAggregate } from '../../../../service/protocol/message/aggregate';
import { ProtocolError } from '../../../../service/protocol/protocol-errors';
import { aggregate, MessageType, type OutgoingMessage } from '../../../support/rtmp/wire-builder';

function part(type: number, timestamp: number, payload: Buffer | string): OutgoingMessage {
  return { type, streamId: 1, timestamp, payload: Buffer.from(payload) };
}

function split(timestamp: number, payload: Buffer): OutgoingMessage[] {
  const parts: OutgoingMessage[] = [];
  splitAggregate(timestamp, payload, (type, time, body) => parts.push(part(type, time, body)));
  return parts;
}

describe('aggregate messages', () => {
  test('fall into their parts; the time of the first is that of the message, the others keep their distance', () => {
    const { payload } = aggregate(
      [part(MessageType.video, 5000, 'v1'), part(MessageType.audio, 5010, ''), part(MessageType.data, 5040, 'd')],
      1,
      0,
    );
    expect(split(90_000, payload)).toEqual([
      part(MessageType.video, 90_000, 'v1'),
      part(MessageType.audio, 90_010, ''),
      part(MessageType.data, 90_040, 'd'),
    ]);
  });

  test('a part may be earlier than the first, and times go round the end of the clock', () => {
    const { payload } = aggregate([part(9, 100, 'a'), part(9, 60, 'b'), part(9, 120, 'c')], 1, 0);
    expect(split(0xfffffff8, payload).map(({ timestamp }) => timestamp)).toEqual([0xfffffff8, 0xffffffd0, 0x0c]);
  });

  test('the eighth byte holds the upper bits of the time', () => {
    const { payload } = aggregate([part(9, 0xfe000001, 'a'), part(9, 0xff000002, 'b')], 1, 0);
    expect(split(0, payload).map(({ timestamp }) => timestamp)).toEqual([0, 0x01000001]);
  });

  test('whatever is in it comes out, whatever its time', () => {
    const parts = fc.array(
      fc.record({
        type: fc.constantFrom(8, 9, 18),
        delta: fc.nat({ max: 100_000 }),
        payload: fc.uint8Array({ maxLength: 300 }),
      }),
      { maxLength: 10 },
    );
    fc.assert(
      fc.property(parts, fc.nat({ max: 0xffffffff }), fc.nat({ max: 0x7fffffff }), (items, time, base) => {
        const at = (start: number) =>
          items.map(({ type, delta, payload }, i) =>
            part(type, (start + (i === 0 ? 0 : delta)) >>> 0, Buffer.from(payload)),
          );
        expect(split(time, aggregate(at(base), 1, 0).payload)).toEqual(at(time));
      }),
    );
  });

  test('the size behind the last part may be missing', () => {
    const { payload } = aggregate([part(9, 0, 'a'), part(9, 1, 'b')], 1, 0);
    expect(split(0, payload.subarray(0, payload.length - 4))).toHaveLength(2);
  });

  test('cut anywhere it is a protocol error or the parts that are whole', () => {
    const items = [part(9, 0, 'first'), part(8, 1, 'second'), part(9, 2, 'third')];
    const { payload } = aggregate(items, 1, 0);
    for (let length = 0; length <= payload.length; length += 1) {
      try {
        const parts = split(0, payload.subarray(0, length));
        expect(parts).toEqual(items.slice(0, parts.length));
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }
  });
});
