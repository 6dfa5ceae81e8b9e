import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ServerHandshake } from '../../../../service/protocol/handshake/server-handshake';
import { ProtocolError } from '../../../../service/protocol/protocol-errors';
import {
  digestIn,
  makeC1,
  type Schema,
  s2AnswersC1,
  serverDigestIsValid,
} from '../../../vectors/digest-handshake-vectors';

const version3 = Buffer.from([3]);
const packet = fc.uint8Array({ minLength: 1536, maxLength: 1536 });
const fixedRandom = (bytes: number): Buffer => Buffer.alloc(bytes, 0xab);

/** Feeds the pieces as a socket does, and returns the answer and the remaining bytes. */
function run(
  pieces: readonly Buffer[],
  handshake = new ServerHandshake(),
): { reply?: Buffer; rest: Buffer; done: boolean } {
  const left: Buffer[] = [];
  let reply: Buffer | undefined;
  for (const piece of pieces) {
    // In the middle of a larger buffer, to see that the bounds are kept.
    const buf = Buffer.concat([Buffer.from('xx'), piece, Buffer.from('yy')]);
    const consumed = handshake.read(buf, 2, 2 + piece.length);
    left.push(piece.subarray(consumed));
    const answer = handshake.takeReply();
    if (answer && reply) throw new Error('answered twice');
    reply ??= answer;
  }
  return { reply, rest: Buffer.concat(left), done: handshake.done };
}

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, i) => bytes.subarray(places[i], end));
}

function plainC1(): Buffer {
  const c1 = Buffer.alloc(1536, 0x5a);
  c1.writeUInt32BE(1234, 0);
  c1.writeUInt32BE(0, 4);
  return c1;
}

describe('plain handshake', () => {
  test('S0 is 3, S1 is time, zero and random bytes, S2 is C1 exactly', () => {
    const { reply } = run([Buffer.concat([version3, plainC1()])], new ServerHandshake(fixedRandom));
    expect(reply).toHaveLength(3073);
    expect(reply?.[0]).toBe(3);
    expect(reply?.subarray(5, 9)).toEqual(Buffer.alloc(4));
    expect(reply?.subarray(9, 1537)).toEqual(Buffer.alloc(1528, 0xab));
    expect(reply?.subarray(1537)).toEqual(plainC1());
  });

  test('a client version without a digest gets the plain answer too', () => {
    const c1 = plainC1();
    c1.writeUInt32BE(0x09007c02, 4);
    expect(run([version3, c1]).reply?.subarray(1537)).toEqual(c1);
  });

  test('a digest that is wrong in one bit gets the plain answer', () => {
    const c1 = makeC1(plainC1(), 1);
    c1.writeUInt8(c1.readUInt8(1535) ^ 1, 1535);
    expect(run([version3, c1]).reply?.subarray(1537)).toEqual(c1);
  });

  test('a client version of zero gets the plain answer even with a valid digest', () => {
    const c1 = makeC1(plainC1(), 1, [0, 0, 0, 0]);
    expect(run([version3, c1]).reply?.subarray(1537)).toEqual(c1);
  });

  test('two servers do not send the same bytes', () => {
    const bytes = Buffer.concat([version3, plainC1()]);
    expect(run([bytes]).reply?.subarray(0, 1537)).not.toEqual(run([bytes]).reply?.subarray(0, 1537));
  });
});

describe.each<Schema>([0, 1])('digest handshake, schema %i', (schema) => {
  test('S1 and S2 carry the digests that a strict client checks, whatever bytes it sent', () => {
    fc.assert(
      fc.property(packet, (filler) => {
        const c1 = makeC1(filler, schema);
        const { reply } = run([version3, c1]);
        const s1 = reply?.subarray(1, 1537) ?? Buffer.alloc(0);
        const s2 = reply?.subarray(1537) ?? Buffer.alloc(0);
        expect(serverDigestIsValid(s1, schema)).toBe(true);
        expect(s2AnswersC1(s2, c1, schema)).toBe(true);
        expect(s1.readUInt8(4)).toBeGreaterThan(0); // librtmp takes S1 for plain otherwise
      }),
      { numRuns: 50 },
    );
  });

  test('the digest may lie at the first and at the last place', () => {
    const from = schema === 0 ? 772 : 8;
    for (const offset of [0, 727]) {
      const filler = Buffer.alloc(1536, 7);
      Buffer.from([offset === 0 ? 0 : 255, offset === 0 ? 0 : 255, offset === 0 ? 0 : 217, 0]).copy(filler, from);
      const c1 = makeC1(filler, schema);
      expect(digestIn(c1, schema).byteOffset - c1.byteOffset).toBe(from + 4 + offset);
      const s2 = run([version3, c1]).reply?.subarray(1537) ?? Buffer.alloc(0);
      expect(s2AnswersC1(s2, c1, schema)).toBe(true);
    }
  });
});

describe('bytes in any pieces', () => {
  const whole = Buffer.concat([version3, plainC1(), Buffer.alloc(1536, 0xc2)]);

  test('the answer goes out with the last byte of C1, before C2', () => {
    const handshake = new ServerHandshake();
    handshake.read(whole, 0, 1536);
    expect(handshake.takeReply()).toBeUndefined();
    expect(handshake.read(whole, 1536, 1537)).toBe(1);
    expect(handshake.takeReply()).toHaveLength(3073);
    expect(handshake.takeReply()).toBeUndefined();
    expect(handshake.done).toBe(false);
  });

  test('byte by byte', () => {
    const { reply, rest, done } = run(pieces(whole, Array.from(whole.keys())));
    expect(reply?.subarray(1537)).toEqual(plainC1());
    expect(rest).toHaveLength(0);
    expect(done).toBe(true);
  });

  test('done with the last byte of C2, whatever it holds', () => {
    expect(run([whole.subarray(0, 3072)]).done).toBe(false);
    expect(run([whole]).done).toBe(true);
  });

  test('any pieces, with commands glued to C2: exactly the handshake is consumed', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 20 }), fc.uint8Array({ maxLength: 3000 }), (cuts, commands) => {
        const { reply, rest, done } = run(pieces(Buffer.concat([whole, commands]), cuts));
        expect(reply?.subarray(1537)).toEqual(plainC1());
        expect(rest).toEqual(Buffer.from(commands));
        expect(done).toBe(true);
      }),
    );
  });

  test('an empty piece changes nothing', () => {
    expect(new ServerHandshake().read(Buffer.alloc(0), 0, 0)).toBe(0);
  });
});

test.each([0, 2, 6, 8, 0x16, 0x47, 0x50, 0xff])('version %i is refused at its byte', (version) => {
  const handshake = new ServerHandshake();
  const read = (): number => handshake.read(Buffer.from([version]), 0, 1);
  expect(read).toThrow(ProtocolError);
  expect(read).toThrow(expect.objectContaining({ code: 'bad_version' }));
  expect(handshake.takeReply()).toBeUndefined();
});
