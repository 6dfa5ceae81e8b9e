import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ClientHandshake } from '../../../../service/protocol/handshake/client-handshake';
import { ServerHandshake } from '../../../../service/protocol/handshake/server-handshake';

test('C0 is 3, C1 asks for the plain handshake', () => {
  const { request } = new ClientHandshake();
  expect(request).toHaveLength(1537);
  expect(request[0]).toBe(3);
  expect(request.readUInt32BE(5)).toBe(0);
});

test('a server that is answered in any pieces; what follows S2 is left alone', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1600 }), { maxLength: 12 }), (sizes) => {
      const client = new ClientHandshake();
      const server = new ServerHandshake();
      expect(server.read(client.request, 0, 1537)).toBe(1537);
      const answer = server.takeReply() ?? Buffer.alloc(0);
      const s1 = Buffer.from(answer.subarray(1, 1537));
      const stream = Buffer.concat([answer, Buffer.from('chunks')]);

      let at = 0;
      let c2: Buffer | undefined;
      for (const size of [...sizes, stream.length]) {
        const end = Math.min(at + size, stream.length);
        at += client.read(stream, at, end);
        c2 ??= client.takeReply();
        expect(c2 !== undefined).toBe(at >= 1537);
      }
      expect(at).toBe(3073);
      expect(client.done).toBe(true);
      expect(c2).toEqual(s1);
      server.read(c2 ?? Buffer.alloc(0), 0, 1536);
      expect(server.done).toBe(true);
    }),
  );
});

test('a peer that is no RTMP server is refused at its first byte', () => {
  expect(() => new ClientHandshake().read(Buffer.from('HTTP/1.1 400'), 0, 12)).toThrow(
    expect.objectContaining({ code: 'bad_version' }),
  );
});
