import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readDataMessage } from '../../../../service/protocol/message/data-message';
import { amfDecode, amfEncode, ecma } from '../../../support/rtmp/amf-test-codec';
import { doubleValue, inAmf0, inline, noMoreKeys, text, textValue, traits } from '../amf/amf3-bytes';

const AMF0 = 18;
const AMF3 = 15;
const metadata = { width: 1280, encoder: 'some encoder', '2.1': true };

/** An AMF3 object with `width`, as an AMF0 stream carries it. */
const amf3Metadata = inAmf0([0x0a, ...traits('', [], true), ...text('width'), ...doubleValue(1280), ...noMoreKeys]);

describe('data messages', () => {
  test.each([
    ['an ECMA array', ecma(metadata)],
    ['an ECMA array with a wrong count', ecma(metadata, 77)],
    ['an object', metadata],
  ])('onMetaData as %s, wrapped or not, on both types: players get its bytes as they were', (_, value) => {
    const bare = amfEncode('onMetaData', value);
    const wrapped = amfEncode('@setDataFrame', 'onMetaData', value);
    const messages = [
      readDataMessage(AMF0, bare),
      readDataMessage(AMF0, wrapped),
      readDataMessage(AMF3, bare),
      readDataMessage(AMF3, Buffer.concat([Buffer.of(0), wrapped])),
    ];
    for (const message of messages) {
      expect(message?.payload).toEqual(bare);
      expect(message).toMatchObject({ isMetadata: true, name: 'onMetaData' });
      expect(message?.metadata?.get('width')).toBe(1280);
    }
  });

  test('other events pass through, wrapped or not, whatever follows their name', () => {
    const tail = Buffer.from('ff00not amf', 'latin1');
    const bare = Buffer.concat([amfEncode('onTextData', 'hello'), tail]);
    const wrapped = Buffer.concat([amfEncode('@setDataFrame'), bare]);
    for (const payload of [bare, wrapped]) {
      expect(readDataMessage(AMF0, payload)).toEqual({
        payload: bare,
        name: 'onTextData',
        isMetadata: false,
        metadata: undefined,
      });
    }
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a number', amfEncode(5)],
    ['@setDataFrame alone', amfEncode('@setDataFrame')],
    ['@setDataFrame without a name', amfEncode('@setDataFrame', metadata)],
    ['@clearDataFrame', amfEncode('@clearDataFrame', 'onMetaData')],
    ['no AMF', Buffer.from('ffffff', 'hex')],
  ])('players see nothing of %s', (_, payload) => {
    expect(readDataMessage(AMF0, payload)).toBeUndefined();
    expect(readDataMessage(AMF3, payload)).toBeUndefined();
  });

  test('metadata that cannot be read reaches players all the same', () => {
    const payload = Buffer.concat([amfEncode('onMetaData'), Buffer.of(0x0e)]);
    expect(readDataMessage(AMF0, payload)).toMatchObject({ payload, isMetadata: true, metadata: undefined });
  });

  test('@setDataFrame as a long string is taken off too', () => {
    const name = Buffer.from('@setDataFrame');
    const long = Buffer.concat([Buffer.of(0x0c, 0, 0, 0, name.length), name, amfEncode('onMetaData', metadata)]);
    expect(readDataMessage(AMF0, long)?.payload).toEqual(amfEncode('onMetaData', metadata));
  });
});

describe('AMF3 data messages', () => {
  test('values in AMF3 reach players in AMF0', () => {
    const payload = Buffer.concat([Buffer.of(0), amfEncode('@setDataFrame', 'onMetaData'), amf3Metadata]);
    const message = readDataMessage(AMF3, payload);
    expect(amfDecode(message!.payload)).toEqual(['onMetaData', { width: 1280 }]);
    expect(message?.metadata?.get('width')).toBe(1280);
  });

  test('names in AMF3 too', () => {
    const payload = Buffer.concat([
      Buffer.of(0),
      inAmf0(textValue('@setDataFrame')),
      inAmf0(textValue('onMetaData')),
      amf3Metadata,
    ]);
    expect(amfDecode(readDataMessage(AMF3, payload)!.payload)).toEqual(['onMetaData', { width: 1280 }]);
  });

  test('what AMF0 has no form for passes as it is', () => {
    const payload = Buffer.concat([amfEncode('onImage'), inAmf0([0x0c, ...inline(2), 1, 2])]);
    expect(readDataMessage(AMF3, payload)?.payload).toEqual(payload);
  });

  test('a type 18 message is not touched', () => {
    const payload = Buffer.concat([amfEncode('onMetaData'), amf3Metadata]);
    expect(readDataMessage(AMF0, payload)?.payload).toEqual(payload);
  });

  test('a byte 0x11 that means something else changes nothing', () => {
    const payload = amfEncode('onCuePoint', { time: 17, name: '\x11', list: [1, null, true, new Date(0x1111)] });
    const message = readDataMessage(AMF3, Buffer.concat([Buffer.of(0), payload]));
    expect(amfDecode(message!.payload)).toEqual(amfDecode(payload));
  });

  test('random bytes never throw', () => {
    const tails = fc.array(fc.oneof(fc.constantFrom(0x11, 0x0a, 0x09, 0x06, 0x02, 0), fc.nat({ max: 255 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(fc.constantFrom(AMF0, AMF3), fc.boolean(), tails, (type, named, tail) => {
        readDataMessage(type, Buffer.concat([named ? amfEncode('onMetaData') : Buffer.alloc(0), Buffer.from(tail)]));
      }),
    );
  });
});
