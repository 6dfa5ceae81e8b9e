import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { amfEncode } from '../../support/rtmp/amf-test-codec';
import { ClientHandshake } from '../../support/rtmp/client-handshake';
import { avc, avcAacStream } from '../../support/rtmp/media';
import { residentBytes } from '../../support/programs/process-memory';
import { expectFlows, fingerprints, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { command, MessageType, UserControl, userControl } from '../../support/rtmp/wire-builder';

const server = ServerOfFile.start();
const maxBytes = 300e6;

afterEach(async () => {
  expect(server.process.program.isRunning).toBe(true);
  expect(server.process.log).not.toContain('unexpected error');
  expect(residentBytes(server.process.pid)).toBeLessThan(maxBytes);
  const channel = server.newChannel();
  await expectFlows(await server.publisher(channel), await server.player(channel), 'still works');
});

/** Values inside each other, `depth` deep, without their ends. */
function nested(depth: number, marker: 'object' | 'array' | 'ecma'): Buffer {
  const level = { object: '03000161', array: '0a00000001', ecma: '08ffffffff000161' }[marker];
  return Buffer.alloc(depth * (level.length / 2), Buffer.from(level, 'hex'));
}

describe('bombs', () => {
  test.each(['object', 'array', 'ecma'] as const)(
    'a connect of %ss inside each other, as deep as 64 KB allow',
    async (marker) => {
      const client = await server.open();
      const payload = Buffer.concat([amfEncode('connect', 1), nested(8_000, marker)]);
      client.connection.send({ type: MessageType.command, streamId: 0, timestamp: 0, payload });
      await client.roundTrip().catch(() => undefined);
      expect(client.received.some(({ command: got }) => got?.name === '_result')).toBe(false);
    },
  );

  test('a connect of 16 MB of nested values is refused by its length, before it is sent', async () => {
    const client = await server.open({ chunkSize: 0xffffff });
    const payload = Buffer.concat([amfEncode('connect', 1), nested(4_000_000, 'object')]).subarray(0, 0xffffff);
    client.connection.send({ type: MessageType.command, streamId: 0, timestamp: 0, payload });
    await client.expectClosed();
  });

  test('a connect whose objectEncoding is an AMF3 value that AMF0 has no form for', async () => {
    const client = await server.open();
    const fields = amfEncode({ app: 'live' }).subarray(0, -3);
    const odd = Buffer.concat([
      Buffer.from('000e', 'hex'),
      Buffer.from('objectEncoding'),
      Buffer.from('110c0701020300', 'hex'),
    ]);
    const payload = Buffer.concat([amfEncode('connect', 1), fields, odd, Buffer.of(0, 0, 9)]);
    client.connection.send({ type: MessageType.commandAmf3, streamId: 0, timestamp: 0, payload });
    await client.nextMessage(({ command: got }) => got !== undefined, 'the answer');
  });

  test('metadata of a publisher that nests, repeats itself and lies about its sizes', async () => {
    const channel = server.newChannel();
    const [player, publisher] = [await server.player(channel), await server.publisher(channel)];
    const bombs = [
      nested(100_000, 'object'),
      nested(100_000, 'array'),
      Buffer.from('0affffffff', 'hex'),
      Buffer.from('0cffffffff61', 'hex'),
      Buffer.concat([Buffer.from('0a00001000', 'hex'), Buffer.alloc(3 * 4096, Buffer.from('070000', 'hex'))]),
    ];
    for (const bomb of bombs) {
      const payload = Buffer.concat([amfEncode('@setDataFrame', 'onMetaData'), bomb]);
      publisher.connection.send({ type: MessageType.data, streamId: publisher.streamId, timestamp: 0, payload });
    }
    await expectFlows(publisher, player, 'unimpressed');
  });
});

describe('floods', () => {
  test('claims of 16 MB messages before connect, on many connections at once', async () => {
    const claim = Buffer.from('03000000ffffff1400000000', 'hex');
    const clients = await Promise.all(Array.from({ length: 100 }, () => server.open({ chunkSize: 128 })));
    for (const client of clients) client.sendRaw(claim);
    await Promise.all(clients.map((client) => client.expectClosed()));
  });

  test('a message begun on each of many chunk streams, none finished', async () => {
    const client = await server.open({ chunkSize: 128 });
    for (let csid = 3; csid < 1_000; csid += 1) {
      const message = { type: MessageType.command, streamId: 0, timestamp: 0, payload: Buffer.alloc(60_000) };
      client.sendRaw(client.connection.chunks.chunks(message, { csid })[0]!);
    }
    await client.expectClosed();
  });

  test('a publisher that begins large messages on many chunk streams and finishes none', async () => {
    const publisher = await server.publisher(server.newChannel(), 'key', { chunkSize: 128 });
    for (let csid = 3; csid < 60; csid += 1) {
      const message = { type: MessageType.aggregate, streamId: 1, timestamp: 0, payload: Buffer.alloc(16_000_000) };
      publisher.sendRaw(
        publisher.connection.chunks.chunks(message, { csid, chunkSize: 16_000_000 })[0]!.subarray(0, 100),
      );
    }
    await publisher.expectClosed();
  });

  test('chunks of one byte: the rate of a stream passes, a flood ends that connection', async () => {
    const channel = server.newChannel();
    const [player, publisher] = [await server.player(channel), await server.publisher(channel)];
    publisher.connection.setChunkSize(1);
    publisher.sendVideo(0, avc.keyframe('thin', 20_000));
    await player.waitForPayload(avc.keyframe('thin', 20_000));
    const flood = publisher.connection.chunks.message({
      type: MessageType.video,
      streamId: publisher.streamId,
      timestamp: 0,
      payload: avc.interFrame('flood', 500_000),
    });
    publisher.sendRaw(Buffer.concat([flood, flood, flood]));
    await publisher.expectClosed();
  });

  test('a client that asks for answers without end and reads none', async () => {
    const client = await server.connect('greedy');
    client.connection.socket.pause();
    const asks = Buffer.concat(
      Array.from({ length: 2_000 }, (_, index) => [
        client.connection.chunks.message(userControl(UserControl.pingRequest, index)),
        client.connection.chunks.message(command('createStream', index + 2, [null])),
      ]).flat(),
    );
    const { socket } = client.connection;
    const write = (): void => {
      while (!socket.destroyed && socket.write(asks));
      if (!socket.destroyed) socket.once('drain', write);
    };
    write();
    await server.process.waitForLog(/closed channel=greedy code=(over_budget|too_slow)/);
    socket.destroy();
  });

  test('a player that pauses and resumes without end and reads nothing', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    sendMedia(publisher, avcAacStream('cached', 40, { gop: 100, size: 250_000 }));
    await publisher.roundTrip();
    const player = await server.player(channel);
    await player.nextVideo();
    const { socket, chunks } = player.connection;
    socket.pause();
    for (let round = 0; round < 200; round += 1) {
      for (const paused of [true, false]) socket.write(chunks.message(command('pause', 0, [null, paused, 0], 1)));
    }
    await publisher.roundTrip();
    expect(residentBytes(server.process.pid)).toBeLessThan(maxBytes);
    socket.destroy();
  });

  test('three thousand connections in a row, ended in every phase', async () => {
    const { c0c1 } = new ClientHandshake();
    const whole = Buffer.concat([c0c1, Buffer.alloc(1536)]);
    const phases = [
      Buffer.alloc(0),
      Buffer.of(3),
      c0c1.subarray(0, 700),
      c0c1,
      whole,
      Buffer.concat([whole, Buffer.of(3, 0)]),
    ];
    const one = async (index: number): Promise<void> => {
      const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      const closed = once(socket.resume(), 'close');
      const phase = phases[index % phases.length]!;
      if (Math.floor(index / phases.length) % 2 === 0) socket.end(phase);
      else socket.write(phase, () => socket.resetAndDestroy());
      await closed;
    };
    for (let opened = 0; opened < 3_000; opened += 30) {
      await Promise.all(Array.from({ length: 30 }, (_, index) => one(opened + index)));
    }
  });

  test('slow clients: hundreds of unfinished handshakes and half-sent commands hold nobody up', async () => {
    const { c0c1 } = new ClientHandshake();
    const sockets: Socket[] = [];
    for (let index = 0; index < 300; index += 1) {
      const socket = connect(server.port, '127.0.0.1').on('error', () => undefined);
      socket.write(c0c1.subarray(0, 1 + (index % 1_500)));
      sockets.push(socket);
    }
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const [player, publisher] = [await server.player('slow'), await server.publisher('slow')];
    for (const socket of sockets) socket.write(Buffer.of(1));
    await expectFlows(publisher, player, 'not held up');
    for (const socket of sockets) socket.destroy();
  });
});

describe('a player that stops reading', () => {
  test('others play on bit-exact, the publisher is not slowed, and when it reads again it goes on at a keyframe', async () => {
    const channel = server.newChannel();
    const [slow, quick] = [await server.player(channel), await server.player(channel)];
    const publisher = await server.publisher(channel);
    slow.connection.socket.pause();
    const frame = (index: number): Buffer =>
      (index % 10 === 0 ? avc.keyframe : avc.interFrame)(`frame-${index}`, 200_000);
    const count = 150;
    const sent: string[] = [];
    for (let index = 0; index < count; index += 1) {
      publisher.sendVideo(index * 40, frame(index));
      await quick.waitForPayload(frame(index));
      sent.push(...fingerprints([{ kind: 'video', timestamp: index * 40, payload: frame(index) }]));
    }
    expect(fingerprints(quick.media)).toEqual(sent);
    slow.connection.socket.resume();
    for (let index = count; ; index += 1) {
      publisher.sendVideo(index * 40, frame(index));
      sent.push(...fingerprints([{ kind: 'video', timestamp: index * 40, payload: frame(index) }]));
      await quick.waitForPayload(frame(index));
      await publisher.roundTrip();
      if (slow.media.at(-1)?.payload.equals(frame(index)) === true) break;
      expect(index).toBeLessThan(2_000);
    }
    const got = fingerprints(slow.media);
    const places = got.map((one) => sent.indexOf(one));
    expect(places).not.toContain(-1);
    const jumps = places.flatMap((place, at) => (at > 0 && place !== places[at - 1]! + 1 ? [place] : []));
    expect(jumps.length).toBeGreaterThan(0);
    expect(jumps.map((place) => place % 10)).toEqual(jumps.map(() => 0));
  }, 60_000);
});
