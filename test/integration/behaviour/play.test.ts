import { describe, expect, test } from '@jest/globals';
import { avcAacStream } from '../../support/rtmp/media';
import { expectFlows, expectMedia, fingerprints, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { UserControl } from '../../support/rtmp/wire-builder';

const server = ServerOfFile.start();

describe('play', () => {
  test('answer: StreamBegin, NetStream.Play.Reset, NetStream.Play.Start, |RtmpSampleAccess', async () => {
    const client = await server.connect(server.newChannel());
    const streamId = await client.createStream();
    client.sendPlay('key');
    expect(await client.waitForUserControl(UserControl.streamBegin)).toBe(streamId);
    expect(await client.nextStatus()).toMatchObject({ code: 'NetStream.Play.Reset', level: 'status', onStream: 1 });
    expect(await client.nextStatus()).toMatchObject({ code: 'NetStream.Play.Start', level: 'status', onStream: 1 });
    const access = await client.nextMessage(({ data }) => data !== undefined, '|RtmpSampleAccess');
    expect(access).toMatchObject({ data: ['|RtmpSampleAccess', false, false], streamId: 1 });
    const order = client.received.slice(-4).map(({ command, data, type }) => command?.name ?? data?.[0] ?? type);
    expect(order).toEqual([4, 'onStatus', 'onStatus', '|RtmpSampleAccess']);
  });

  test('before publish: Play.Start at once, media when the publisher comes, from the first frame', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const items = avcAacStream('first', 30);
    sendMedia(await server.publisher(channel), items);
    await expectMedia(player, items);
  });

  test('with a wrong key while publishing: NetStream.Play.BadName, closed, no media', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel, 'right-key');
    sendMedia(publisher, avcAacStream('secret', 5));
    await publisher.roundTrip();
    for (const key of ['wrong-key', 'right-ke', 'right-key2', 'RIGHT-KEY']) {
      const player = await server.connect(channel);
      await player.createStream();
      player.sendPlay(key);
      expect(await player.nextStatus()).toMatchObject({ level: 'error', code: 'NetStream.Play.BadName' });
      await player.expectClosed();
      expect(player.statusCodes).toEqual(['NetStream.Play.BadName']);
      expect(player.media).toEqual([]);
    }
  });

  test('idle player with a wrong key: BadName and closed when the publisher starts; right-key player plays', async () => {
    const channel = server.newChannel();
    const wrong = await server.connect(channel);
    await wrong.createStream();
    await wrong.createStream();
    await wrong.play('wrong-key');
    const right = await server.player(channel, 'right-key');
    const publisher = await server.publisher(channel, 'right-key');
    expect(await wrong.nextStatus()).toMatchObject({ level: 'error', code: 'NetStream.Play.BadName', onStream: 2 });
    await wrong.expectClosed();
    await expectFlows(publisher, right, 'right');
    expect(wrong.media).toEqual([]);
  });

  test('publisher ends: players get NetStream.Play.UnpublishNotify and StreamEOF and stay connected', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel);
    publisher.deleteStream();
    expect(await player.waitForStatus('NetStream.Play.UnpublishNotify')).toMatchObject({
      onStream: 1,
      level: 'status',
    });
    expect(await player.waitForUserControl(UserControl.streamEof)).toBe(1);
    await player.roundTrip();
    expect(player.connection.isOpen).toBe(true);
  });

  test('replay after republish: a player that stayed gets the new stream from its start, none of the old', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const streams = ['old', 'new', 'newest'].map((name) => avcAacStream(name, 12));
    for (const items of streams) {
      const publisher = await server.publisher(channel);
      sendMedia(publisher, items);
      await publisher.roundTrip();
      publisher.deleteStream();
      await player.waitForStatus('NetStream.Play.UnpublishNotify');
    }
    expect(fingerprints(player.media)).toEqual(fingerprints(streams.flat()));
  });

  test('play twice on one connection: NetStream.Play.BadConnection, first play goes on', async () => {
    const channel = server.newChannel();
    const [publisher, player] = [await server.publisher(channel), await server.player(channel)];
    player.sendPlay('key');
    expect(await player.nextStatus()).toMatchObject({ level: 'error', code: 'NetStream.Play.BadConnection' });
    await expectFlows(publisher, player, 'goes on');
  });

  test('deleteStream gives NetStream.Play.Stop and no more media; it may play again', async () => {
    const channel = server.newChannel();
    const [publisher, player, witness] = [
      await server.publisher(channel),
      await server.player(channel),
      await server.player(channel),
    ];
    player.deleteStream();
    expect(await player.waitForStatus('NetStream.Play.Stop')).toMatchObject({ level: 'status', onStream: 1 });
    await expectFlows(publisher, witness, 'missed');
    await player.roundTrip();
    expect(player.media).toEqual([]);
    await player.play('key?cache=no');
    await expectFlows(publisher, player, 'seen');
    expect(player.media).toHaveLength(1);
  });

  test('twenty players of one channel all get every message, bit-identical and in order', async () => {
    const channel = server.newChannel();
    const players = await Promise.all(Array.from({ length: 20 }, () => server.player(channel)));
    const publisher = await server.publisher(channel);
    const items = avcAacStream('twenty', 100, { size: 2_000 });
    sendMedia(publisher, items);
    await Promise.all(players.map((player) => expectMedia(player, items)));
  });

  test('players leaving in mid-stream (FIN and RST) do not disturb the publisher or the other players', async () => {
    const channel = server.newChannel();
    const players = await Promise.all(Array.from({ length: 9 }, () => server.player(channel)));
    const publisher = await server.publisher(channel);
    const items = avcAacStream('leaving', 120, { size: 5_000 });
    const half = items.length / 2;
    sendMedia(publisher, items.slice(0, half));
    await players[0]!.nextVideo();
    await Promise.all(players.splice(1, 6).map((player, index) => (index % 2 === 0 ? player.close() : player.reset())));
    sendMedia(publisher, items.slice(half));
    await publisher.roundTrip();
    const [first, ...others] = players;
    await expectMedia(
      first!,
      items.filter((_, index) => index !== 0),
    );
    await Promise.all(others.map((player) => expectMedia(player, items)));
  });

  test('media and metadata to a player carry the message stream id that it played on', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    publisher.sendMetadata({ width: 640 });
    sendMedia(publisher, avcAacStream('early', 3));
    const player = await server.connect(channel);
    await player.createStream();
    await player.createStream();
    await player.play('key');
    const items = avcAacStream('more', 3);
    sendMedia(publisher, items);
    publisher.sendMetadata({ width: 1280 });
    await player.waitForPayload(items.at(-1)!.payload);
    await player.nextMessage(
      ({ data }) => (data?.[1] as Record<string, unknown> | undefined)?.['width'] === 1280,
      'the new metadata',
    );
    const ids = player.received
      .filter(({ type }) => type === 8 || type === 9 || type === 18)
      .map(({ streamId }) => streamId);
    expect(new Set(ids)).toEqual(new Set([2]));
  });
});
