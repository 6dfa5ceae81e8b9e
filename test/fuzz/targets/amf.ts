import { decodeAmf0, decodeAmf0Prefix } from '../../../service/protocol/amf/amf0-decode';
import { encodeAmf0 } from '../../../service/protocol/amf/amf0-encode';
import { MAX_AMF_DEPTH, MAX_AMF_ENTRIES } from '../../../service/protocol/amf/amf-budget';
import type { AmfValue } from '../../../service/protocol/amf/amf-value';
import { ProtocolError } from '../../../service/protocol/protocol-errors';
import {
  doubleValue,
  inAmf0,
  noMoreKeys,
  text,
  textValue,
  traits,
  traitsReference,
} from '../../service/protocol/amf/amf3-bytes';
import { amf0Vectors } from '../../vectors/amf0-vectors';
import { must, type Target } from '../engine/target';

/** Text that references may repeat, twice in UTF-16, and the input's own. */
const MAX_TEXT = 4 * 1024 * 1024;

/** What was decoded stays the same when it is encoded and decoded again, and is within the limits of one message. */
export const target: Target = {
  name: 'amf',
  reads: 'AMF0, and AMF3 within it: values of commands and data messages',
  seeds: () => [
    ...amf0Vectors.map(({ hex }) => Buffer.from(hex.replaceAll(' ', ''), 'hex')),
    inAmf0(
      [0x0a],
      traits('C', ['a', 'b'], true),
      textValue('x'),
      doubleValue(1.5),
      text('k'),
      [0x06, 0x00],
      noMoreKeys,
    ),
    inAmf0([0x09, 0x05], noMoreKeys, [0x0a], traits('', ['a'], false), [0x01], [0x0a], traitsReference(0), [0x03]),
    inAmf0(
      [0x11, 0x05, 0x00],
      textValue('k'),
      [0x04, 0x01],
      [0x0c, 0x05, 1, 2],
      [0x08, 0x01],
      [0, 0, 0, 0, 0, 0, 0, 0],
    ),
  ],
  steps: { base: 150_000, perByte: 2_000 },
  maxLength: 512,
  run(bytes) {
    const { values, error } = decodeAmf0Prefix(bytes);
    must(error === undefined || error instanceof ProtocolError, 'another kind of error');
    const sizes = { entries: 0, text: 0 };
    for (const value of values) measure(value, 0, sizes);
    must(sizes.entries <= MAX_AMF_ENTRIES, 'more values than one message may have');
    must(sizes.text <= MAX_TEXT, 'more text than one message may have');
    if (error === undefined) again(values);
    let whole: AmfValue[];
    try {
      whole = decodeAmf0(bytes);
    } catch (fault) {
      if (!(fault instanceof ProtocolError)) throw fault;
      return;
    }
    must(error === undefined && whole.length === values.length, 'what is correct has a correct beginning');
  },
};

function measure(value: AmfValue, depth: number, sizes: { entries: number; text: number }): void {
  sizes.entries += 1;
  must(sizes.entries <= 2 * MAX_AMF_ENTRIES, 'many more values than one message may have');
  if (typeof value === 'string') sizes.text += value.length;
  if (!Array.isArray(value) && !(value instanceof Map)) return;
  must(depth < MAX_AMF_DEPTH, 'containers nest deeper than allowed');
  for (const item of Array.isArray(value) ? value : value.values()) measure(item, depth + 1, sizes);
}

function again(values: readonly AmfValue[]): void {
  let encoded: Buffer;
  try {
    encoded = encodeAmf0(values);
  } catch (fault) {
    // A byte array, and a key of AMF3 that is too long for AMF0.
    if (fault instanceof TypeError || fault instanceof RangeError) return;
    throw fault;
  }
  must(encodeAmf0(decodeAmf0(encoded)).equals(encoded), 'encoded and decoded, it is another value');
}
