import { describe, expect, test } from '@jest/globals';
import { avcAacStream } from '../../support/rtmp/media';
import { type RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectFlows, expectMedia, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { UserControl } from '../../support/rtmp/wire-builder';

const server = ServerOfFile.start({ HTTP_PORT: '0' });

interface Both {
  readonly client: RtmpClient;
  readonly publishId: number;
  readonly playId: number;
}

/** Connects to `channel` and publishes there on one message stream; on another it plays `played`. */
async function publishAndPlay(channel: string, played: string, order: 'publish' | 'play' = 'publish'): Promise<Both> {
  const client = await server.connect(channel);
  const [publishId, playId] = [await client.createStream(), await client.createStream()];
  const publish = async (): Promise<void> => {
    client.streamId = publishId;
    expect((await client.publish('key')).onStream).toBe(publishId);
  };
  const play = async (): Promise<void> => {
    client.streamId = playId;
    expect((await client.play(played)).onStream).toBe(playId);
  };
  for (const step of order === 'publish' ? [publish, play] : [play, publish]) await step();
  client.streamId = publishId;
  return { client, publishId, playId };
}

describe('a connection that publishes on one message stream and plays on another', () => {
  test.each(['publish', 'play'] as const)(
    '%s first: media goes both ways, on its own message stream',
    async (first) => {
      const [own, other] = [server.newChannel(), server.newChannel()];
      const [peer, viewer] = [await server.publisher(other), await server.player(own)];
      const { client, playId } = await publishAndPlay(own, `${other}/key`, first);
      await expectFlows(client, viewer, 'what it publishes');
      const items = avcAacStream('what it plays', 5);
      sendMedia(peer, items);
      await expectMedia(client, items);
      expect(new Set(client.media.map(({ streamId }) => streamId))).toEqual(new Set([playId]));
    },
  );

  test('it may play what it publishes', async () => {
    const channel = server.newChannel();
    const { client } = await publishAndPlay(channel, 'key');
    const items = avcAacStream('to itself', 5);
    sendMedia(client, items);
    await expectMedia(client, items);
  });

  test('a second publish and a second play are refused, and both go on', async () => {
    const [own, other] = [server.newChannel(), server.newChannel()];
    const [peer, viewer] = [await server.publisher(other), await server.player(own)];
    const { client, publishId } = await publishAndPlay(own, `${other}/key`);
    client.streamId = await client.createStream();
    client.sendPublish('key');
    expect(await client.nextStatus()).toMatchObject({ code: 'NetStream.Publish.BadConnection', onStream: 3 });
    client.sendPlay('key');
    expect(await client.nextStatus()).toMatchObject({ code: 'NetStream.Play.BadConnection', onStream: 3 });
    client.streamId = publishId;
    await expectFlows(client, viewer, 'publishes on');
    await expectFlows(peer, client, 'plays on');
  });

  test('a play on the message stream that publishes is refused, and the publish goes on', async () => {
    const channel = server.newChannel();
    const [publisher, viewer] = [await server.publisher(channel), await server.player(channel)];
    publisher.sendPlay('key');
    expect(await publisher.nextStatus()).toMatchObject({ code: 'NetStream.Play.BadConnection' });
    await expectFlows(publisher, viewer, 'goes on');
  });

  test('deleteStream ends the one that it names, and the other goes on', async () => {
    const [own, other] = [server.newChannel(), server.newChannel()];
    const [peer, viewer] = [await server.publisher(other), await server.player(own)];
    const { client, publishId, playId } = await publishAndPlay(own, `${other}/key`);
    client.sendCommand('deleteStream', [null, playId]);
    expect(await client.nextStatus()).toMatchObject({ code: 'NetStream.Play.Stop', onStream: playId });
    await expectFlows(client, viewer, 'publishes on');
    client.streamId = playId;
    await client.play(`${other}/key`);
    client.sendCommand('deleteStream', [null, publishId]);
    expect(await client.nextStatus()).toMatchObject({ code: 'NetStream.Unpublish.Success', onStream: publishId });
    await viewer.waitForStatus('NetStream.Play.UnpublishNotify');
    await expectFlows(peer, client, 'plays on');
  });

  test.each([
    ['deleteStream with a name', (client: RtmpClient) => client.sendCommand('deleteStream', [null, 'key'])],
    ['closeStream on stream 0', (client: RtmpClient) => client.sendCommand('closeStream', [null])],
  ])('%s ends the publish first, then the play', async (_, end) => {
    const channel = server.newChannel();
    const { client, publishId, playId } = await publishAndPlay(channel, 'key');
    end(client);
    const notified = await client.waitForStatus('NetStream.Play.UnpublishNotify');
    expect(notified.onStream).toBe(playId);
    expect(await client.waitForUserControl(UserControl.streamEof)).toBe(playId);
    expect((await client.waitForStatus('NetStream.Unpublish.Success')).onStream).toBe(publishId);
    end(client);
    expect(await client.waitForStatus('NetStream.Play.Stop')).toMatchObject({ onStream: playId });
  });

  test('closeStream on its own message stream ends that one', async () => {
    const channel = server.newChannel();
    const { client, publishId, playId } = await publishAndPlay(channel, 'key');
    client.sendCommand('closeStream', [null], playId);
    expect(await client.nextStatus()).toMatchObject({ code: 'NetStream.Play.Stop', onStream: playId });
    client.sendCommand('closeStream', [null], publishId);
    expect(await client.nextStatus()).toMatchObject({ code: 'NetStream.Unpublish.Success', onStream: publishId });
  });

  test('its end ends both: the channel is free and nobody plays', async () => {
    const [own, other] = [server.newChannel(), server.newChannel()];
    const [peer, viewer] = [await server.publisher(other), await server.player(own)];
    const { client } = await publishAndPlay(own, `${other}/key`);
    const page = await (await fetch(server.process.httpUrl('/metrics'))).text();
    expect(page).toMatch(/^rtmp_sessions\{state="publishing"\} 2$/m);
    await client.close();
    await viewer.waitForStatus('NetStream.Play.UnpublishNotify');
    await server.process.waitForLog(new RegExp(`play ended channel=${other}`));
    await expectFlows(await server.publisher(own), viewer, 'the next publisher');
    await expectFlows(peer, await server.player(other), 'undisturbed');
  });

  test('a wrong play key ends the connection, and with it the publish', async () => {
    const channel = server.newChannel();
    const { client } = await publishAndPlay(channel, 'key');
    client.sendCommand('closeStream', [null], 2);
    await client.waitForStatus('NetStream.Play.Stop');
    client.sendCommand('play', [null, 'wrong'], 2);
    expect(await client.waitForStatus('NetStream.Play.BadName')).toMatchObject({ onStream: 2 });
    await client.expectClosed();
    await server.publisher(channel);
  });
});
