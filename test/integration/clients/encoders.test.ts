import { describe, expect, test } from '@jest/globals';
import { ecma } from '../../support/rtmp/amf-test-codec';
import { aac, avc, avcAacStream, type MediaItem } from '../../support/rtmp/media';
import { type RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectMedia, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { command, commandAmf3, MessageType, UserControl, userControl } from '../../support/rtmp/wire-builder';

/** How well-known clients talk, call for call, as their sources and captures show. */
const server = ServerOfFile.start();

const items = avcAacStream('encoder', 20);

async function ready(): Promise<{ channel: string; player: RtmpClient }> {
  const channel = server.newChannel();
  return { channel, player: await server.player(channel) };
}

describe('encoders', () => {
  test('OBS: chunk size before connect, no objectEncoding and no codec lists, publish on chunk stream 4', async () => {
    const { channel, player } = await ready();
    const client = await server.open({ chunkSize: 4096 });
    const url = `rtmp://host/${channel}`;
    const answer = await client.call('connect', {
      app: channel,
      type: 'nonprivate',
      flashVer: 'FMLE/3.0 (compatible; FMSc/1.0)',
      swfUrl: url,
      tcUrl: url,
    });
    expect(answer.name).toBe('_result');
    client.sendCommand('releaseStream', [null, 'key']);
    client.sendCommand('FCPublish', [null, 'key']);
    await client.createStream();
    client.connection.send(command('publish', 5, [null, 'key', 'live'], client.streamId), { csid: 4 });
    await client.waitForStatus('NetStream.Publish.Start');
    client.sendData(
      0,
      '@setDataFrame',
      'onMetaData',
      ecma({ duration: 0, videocodecid: 7, '2.1': false, encoder: 'obs-output module' }, 20),
    );
    for (const { kind, timestamp, payload } of items) {
      client.connection.send({ type: MessageType[kind], streamId: client.streamId, timestamp, payload }, { csid: 4 });
    }
    expect(await player.nextMetadata()).toMatchObject({ '2.1': false });
    await expectMedia(player, items);
    client.sendCommand('FCUnpublish', [null, 'key']);
    client.deleteStream();
    await client.close();
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
  });

  test('OBS before 30.2: type 3 chunks that begin messages repeat the last delta, whatever it was', async () => {
    const { channel, player } = await ready();
    const publisher = await server.publisher(channel);
    const sent: MediaItem[] = [0, 33, 66, 99].map((timestamp, index) => ({
      kind: 'video',
      timestamp,
      payload: avc.interFrame(`frame-${index}`, 100),
    }));
    for (const [index, { timestamp, payload }] of sent.entries()) {
      publisher.sendVideo(timestamp, payload, { fmt: ([0, 1, 3, 3] as const)[index]! });
    }
    await expectMedia(player, sent);
  });

  test('ffmpeg: releaseStream, FCPublish and createStream back to back, _checkbw, its own end', async () => {
    const { channel, player } = await ready();
    const client = await server.connect(channel);
    const { connection } = client;
    connection.send(command('releaseStream', 2, [null, 'key']));
    connection.send(command('FCPublish', 3, [null, 'key']));
    connection.send(command('createStream', 4, [null]));
    const created = await client.nextMessage(({ command: answer }) => answer?.transactionId === 4, 'createStream');
    client.streamId = Number(created.command?.args[1]);
    connection.send(command('_checkbw', 5, [null]));
    connection.send(command('publish', 6, [null, 'key', 'live'], client.streamId), { csid: 8 });
    await client.waitForStatus('NetStream.Publish.Start');
    sendMedia(client, items);
    await expectMedia(player, items);
    connection.send(command('FCUnpublish', 7, [null, 'key']));
    connection.send(command('deleteStream', 8, [null, client.streamId]));
    connection.socket.end();
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
    // Any onStatus of level error would have ended the client before.
    expect(
      client.received.map(({ command: got }) => (got?.args[1] as { level?: string } | null | undefined)?.level),
    ).not.toContain('error');
  });

  test('GStreamer rtmp2sink: transaction id 0 for releaseStream and FCPublish, stream names where ids belong', async () => {
    const { channel, player } = await ready();
    const client = await server.connect(channel);
    client.setWindowAckSize(2_500_000);
    const { connection } = client;
    connection.send(command('releaseStream', 0, [null, 'key']));
    connection.send(command('FCPublish', 0, [null, 'key']));
    const id = await client.createStream();
    expect(id).toBeGreaterThan(0);
    const before = client.received.length;
    client.sendPublish('key');
    const status = await client.nextStatus();
    expect(status).toMatchObject({ code: 'NetStream.Publish.Start', onStream: id });
    expect(client.received.length).toBe(before + 1);
    sendMedia(client, items);
    await expectMedia(player, items);
    connection.send(command('FCUnpublish', 0, [null, 'key']));
    connection.send(command('closeStream', 0, [null], 0));
    connection.send(command('deleteStream', 0, [null, 'key']));
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
    const again = await server.publisher(channel);
    again.sendCommand('deleteStream', [null, 'key']);
    await again.waitForStatus('NetStream.Unpublish.Success');
  });

  test("FMLE and boxes like it: AMF3 commands, waits for releaseStream's result and onFCPublish with its id", async () => {
    const { channel, player } = await ready();
    const client = await server.open();
    const { connection } = client;
    connection.send(commandAmf3('connect', 1, [{ app: channel, objectEncoding: 3 }]));
    await client.nextMessage(({ command: got }) => got?.name === '_result' && got.transactionId === 1, '_result');
    connection.send(commandAmf3('releaseStream', 2, [null, 'key']));
    await client.nextMessage(({ command: got }) => got?.name === '_result' && got.transactionId === 2, '_result');
    connection.send(commandAmf3('FCPublish', 3, [null, 'key']));
    const event = await client.nextMessage(({ command: got }) => got?.name === 'onFCPublish', 'onFCPublish');
    expect(event.command?.transactionId).toBe(3);
    await client.createStream();
    connection.send(commandAmf3('publish', 5, [null, 'key', 'live'], client.streamId));
    await client.waitForStatus('NetStream.Publish.Start');
    sendMedia(client, items);
    await expectMedia(player, items);
  });

  test('media before Publish.Start is answered, before metadata and before headers, audio only and video only', async () => {
    for (const kind of ['audio', 'video'] as const) {
      const { channel, player } = await ready();
      const client = await server.connect(channel);
      client.streamId = 1;
      client.connection.send(command('createStream', 2, [null]));
      client.sendPublish('key');
      const only = items.filter((item) => item.kind === kind);
      sendMedia(client, [...only.slice(1, 4), only[0]!, ...only.slice(4)]);
      await expectMedia(player, [...only.slice(1, 4), only[0]!, ...only.slice(4)]);
    }
  });

  test('XSplit: videocodecid as text in the metadata', async () => {
    const { channel, player } = await ready();
    (await server.publisher(channel)).sendMetadata({ videocodecid: 'av01', audiocodecid: 'mp4a' });
    expect(await player.nextMetadata()).toEqual({ videocodecid: 'av01', audiocodecid: 'mp4a' });
  });

  test('RootEncoder: frames from before a retry come after newer ones, and pass as they are', async () => {
    const { channel, player } = await ready();
    const publisher = await server.publisher(channel);
    const sent: MediaItem[] = [5_000, 5_040, 120, 160, 5_080].map((timestamp) => ({
      kind: 'video',
      timestamp,
      payload: avc.interFrame(`at-${timestamp}`),
    }));
    sendMedia(publisher, sent);
    await expectMedia(player, sent);
  });

  test('cameras with several streams on one connection: the second publish fails, the first goes on', async () => {
    const { channel, player } = await ready();
    const publisher = await server.publisher(channel);
    const first = publisher.streamId;
    const second = await publisher.createStream();
    publisher.sendPublish('key-of-the-second');
    expect(await publisher.nextStatus()).toMatchObject({ code: 'NetStream.Publish.BadConnection', onStream: second });
    publisher.streamId = first;
    sendMedia(publisher, items);
    await expectMedia(player, items);
  });
});

describe('players', () => {
  test('librtmp: FCSubscribe and Set Buffer Length before play', async () => {
    const channel = server.newChannel();
    const player = await server.connect(channel);
    player.sendCommand('FCSubscribe', [null, 'key']);
    await player.createStream();
    player.connection.send(userControl(UserControl.setBufferLength, player.streamId, 36_000_000));
    await player.play('key');
    sendMedia(await server.publisher(channel), items);
    await expectMedia(player, items);
  });

  test('GStreamer rtmp2src: Window Ack Size and a buffer length of 0 before createStream', async () => {
    const channel = server.newChannel();
    const player = await server.connect(channel);
    player.setWindowAckSize(2_500_000);
    player.connection.send(userControl(UserControl.setBufferLength, 0, 0));
    await player.createStream();
    player.sendCommand('getStreamLength', [null, 'key']);
    await player.play('key');
    sendMedia(await server.publisher(channel), items);
    await expectMedia(player, items);
  });

  test('Flash-like: play with start, duration and reset behind the key', async () => {
    const channel = server.newChannel();
    const player = await server.connect(channel);
    await player.createStream();
    player.sendCommand('play', [null, 'key', -1, -1, true], player.streamId);
    await player.waitForStatus('NetStream.Play.Start');
    const publisher = await server.publisher(channel);
    publisher.sendAudio(0, aac.frame('heard'));
    await player.waitForPayload(aac.frame('heard'));
  });
});
