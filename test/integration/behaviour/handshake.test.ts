import { describe, expect, test } from '@jest/globals';
import { ClientHandshake } from '../../support/rtmp/client-handshake';
import { ServerOfFile } from '../../support/servers/server-of-file';
import { command } from '../../support/rtmp/wire-builder';

const server = ServerOfFile.start();

describe('handshake', () => {
  // The client of the tests checks S0, S2 and the digests itself.
  test.each(['simple', 'digest-first', 'key-first'] as const)(
    '%s: S0, S1 and S2 are right, connect works',
    async (form) => {
      const client = await server.open({ handshake: form });
      expect((await client.callConnect({ app: 'live' })).name).toBe('_result');
    },
  );

  test('a C1 whose version announces a digest that is not there gets the plain answer: S2 is C1', async () => {
    const client = await server.open({ handshake: 'none' });
    const { c0c1 } = new ClientHandshake();
    c0c1.writeUInt32BE(0x80000702, 5);
    client.sendRaw(c0c1);
    const answer = await client.connection.readRaw(ClientHandshake.answerSize);
    expect(answer[0]).toBe(3);
    expect(answer.subarray(1 + 1536)).toEqual(c0c1.subarray(1));
  });

  test('S0, S1 and S2 come as soon as C1 is in, without waiting for C2', async () => {
    const client = await server.open({ handshake: 'none' });
    client.sendRaw(new ClientHandshake().c0c1);
    await expect(client.connection.readRaw(ClientHandshake.answerSize)).resolves.toHaveLength(3073);
  });

  test('C2 is never verified', async () => {
    const client = await server.open({ handshake: 'none' });
    client.sendRaw(new ClientHandshake().c0c1);
    await client.connection.readRaw(ClientHandshake.answerSize);
    client.connection.startReading();
    client.sendRaw(Buffer.alloc(1536, 0xee));
    expect((await client.callConnect({ app: 'live' })).name).toBe('_result');
  });

  test('handshake bytes arriving in tiny pieces, C2 glued to the connect command', async () => {
    const client = await server.open({ handshake: 'none' });
    const handshake = new ClientHandshake('digest-first');
    for (let at = 0; at < handshake.c0c1.length; at += 97) {
      client.sendRaw(handshake.c0c1.subarray(at, at + 97));
      await client.connection.flush();
    }
    const c2 = handshake.finish(await client.connection.readRaw(ClientHandshake.answerSize));
    client.connection.startReading();
    const connect = client.connection.chunks.message(command('connect', 1, [{ app: 'live' }]));
    client.sendRaw(c2.subarray(0, 1000));
    await client.connection.flush();
    client.sendRaw(Buffer.concat([c2.subarray(1000), connect]));
    const answer = await client.nextMessage((message) => message.command !== undefined, 'the answer to connect');
    expect(answer.command?.name).toBe('_result');
  });

  test.each([6, 0xff, 0x47, 0])(
    'version byte %i: no RTMP answer with that version, server survives',
    async (version) => {
      const client = await server.open({ handshake: 'none' });
      const { c0c1 } = new ClientHandshake();
      c0c1[0] = version;
      client.sendRaw(c0c1);
      await client.expectClosed();
      expect(client.connection.socket.bytesRead).toBe(0);
      await server.connect('live');
    },
  );
});
