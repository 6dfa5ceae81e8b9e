import { describe, expect, test } from '@jest/globals';
import { amfEncode } from '../../support/rtmp/amf-test-codec';
import { aac, avcAacStream } from '../../support/rtmp/media';
import { ClientHandshake } from '../../support/rtmp/client-handshake';
import { expectFlows, expectMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { command, commandAmf3, MessageType } from '../../support/rtmp/wire-builder';
import { type ReceivedCommand } from '../../support/rtmp/wire-reader';

const server = ServerOfFile.start();

const objectOf = (answer: ReceivedCommand, index: number) => answer.args[index] as Record<string, unknown>;

describe('connect', () => {
  test('answer: window-ack 5000000, peer bandwidth 5000000/2, set chunk size, then _result', async () => {
    const client = await server.open();
    const answer = await client.callConnect({ app: 'live' });
    expect(client.received.map(({ type }) => type)).toEqual([
      MessageType.windowAckSize,
      MessageType.setPeerBandwidth,
      MessageType.setChunkSize,
      MessageType.command,
    ]);
    const [ack, bandwidth, chunkSize] = client.received.map(({ payload }) => payload.toString('hex'));
    expect([ack, bandwidth, chunkSize]).toEqual(['004c4b40', '004c4b4002', '0000ea60']);
    expect(answer.name).toBe('_result');
    expect(objectOf(answer, 0)).toMatchObject({ fmsVer: 'FMS/3,0,1,123', capabilities: 31 });
    expect(objectOf(answer, 1)).toMatchObject({
      level: 'status',
      code: 'NetConnection.Connect.Success',
      description: expect.any(String),
    });
  });

  test('answer states what enhanced RTMP may bring: every codec passes, reconnect, multitrack and ModEx', async () => {
    const client = await server.open();
    const answer = await client.callConnect({ app: 'live', extra: { capsEx: 15, fourCcList: ['hvc1'] } });
    for (const index of [0, 1]) {
      expect(objectOf(answer, index)).toMatchObject({
        capsEx: 7,
        videoFourCcInfoMap: { '*': 4 },
        audioFourCcInfoMap: { '*': 4 },
      });
      const { fourCcList } = objectOf(answer, index);
      for (const fourCc of [
        'avc1',
        'hvc1',
        'av01',
        'vp08',
        'vp09',
        'vvc1',
        'Opus',
        'fLaC',
        'ac-3',
        'ec-3',
        '.mp3',
        'mp4a',
      ])
        expect(fourCcList).toContain(fourCc);
    }
  });

  test('connect with objectEncoding 3 is answered in AMF0 with objectEncoding echoed 3', async () => {
    const client = await server.open();
    const answer = await client.callConnect({ app: 'live', extra: { objectEncoding: 3 } });
    expect(objectOf(answer, 1)).toMatchObject({ objectEncoding: 3 });
    const plain = await (await server.open()).callConnect({ app: 'live', extra: { objectEncoding: 0 } });
    expect(objectOf(plain, 1)).toMatchObject({ objectEncoding: 0 });
  });

  test('AMF3 command messages (type 17 with a 0 byte before AMF0) are understood', async () => {
    const channel = server.newChannel();
    const client = await server.open();
    const { connection } = client;
    connection.send(commandAmf3('connect', 1, [{ app: channel, objectEncoding: 3 }]));
    connection.send(commandAmf3('createStream', 2, [null]));
    const created = await client.nextMessage(({ command: answer }) => answer?.transactionId === 2, 'createStream');
    client.streamId = Number(created.command?.args[1]);
    connection.send(commandAmf3('publish', 3, [null, 'key', 'live'], client.streamId));
    await client.waitForStatus('NetStream.Publish.Start');
    await expectFlows(client, await server.player(channel), 'amf3');
  });

  test('createStream ids count up from 1 on one connection', async () => {
    const client = await server.connect('live');
    expect([await client.createStream(), await client.createStream(), await client.createStream()]).toEqual([1, 2, 3]);
    expect(await (await server.connect('live')).createStream()).toBe(1);
  });

  test.each(['publish', 'createStream', 'releaseStream', '@connect', 'Connect', ''])(
    'before connect, %j is refused with _error and the connection closed, with no wait for a time-out',
    async (name) => {
      const client = await server.open();
      const answer = await client.call(name, { app: 'live' });
      expect(answer).toMatchObject({ name: '_error', args: [null, { code: 'NetConnection.Connect.Rejected' }] });
      await client.expectClosed();
      expect(client.received.filter((message) => message.command !== undefined)).toHaveLength(1);
    },
  );

  test.each([
    ['bytes that are no AMF', Buffer.from('ffffff', 'hex')],
    ['a number for a name', amfEncode(1, 2)],
  ])('before connect, a command of %s is refused as well', async (_, payload) => {
    const client = await server.open();
    client.connection.send({ type: MessageType.command, streamId: 0, timestamp: 0, payload });
    const answer = await client.nextMessage((message) => message.command !== undefined, 'an answer');
    expect(answer.command).toMatchObject({ name: '_error', args: [null, { code: 'NetConnection.Connect.Rejected' }] });
    await client.expectClosed();
  });

  test('answers to nothing before connect are ignored', async () => {
    const channel = server.newChannel();
    const client = await server.open();
    for (const name of ['_result', '_error', 'onStatus']) client.sendCommand(name, [null]);
    expect((await client.callConnect({ app: channel })).name).toBe('_result');
  });

  test('after connect, an unknown command is answered; one that begins with @ with _error, and publishes nothing', async () => {
    const channel = server.newChannel();
    const client = await server.connect(channel);
    expect((await client.call('someVendorsCommand', null)).name).toBe('_result');
    const answer = await client.call('@publish', null, 'key', 'live');
    expect(answer).toMatchObject({ name: '_error', args: [null, { code: 'NetConnection.Call.Failed' }] });
    await client.publish('key');
  });

  test('pipelining: C0+C1+C2, connect, createStream, publish and media in a single write', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const client = await server.open({ handshake: 'none' });
    const { chunks } = client.connection;
    const media = avcAacStream('pipelined', 10);
    client.sendRaw(
      Buffer.concat([
        new ClientHandshake().c0c1,
        Buffer.alloc(1536),
        chunks.message(command('connect', 1, [{ app: channel }])),
        chunks.message(command('createStream', 2, [null])),
        chunks.message(command('publish', 3, [null, 'key', 'live'], 1)),
        ...media.map(({ kind, timestamp, payload }) =>
          chunks.message({ type: MessageType[kind], streamId: 1, timestamp, payload }),
        ),
        chunks.message({ type: MessageType.audio, streamId: 1, timestamp: 999, payload: aac.frame('last') }),
      ]),
    );
    await expectMedia(player, [...media, { kind: 'audio', timestamp: 999, payload: aac.frame('last') }]);
  });
});
