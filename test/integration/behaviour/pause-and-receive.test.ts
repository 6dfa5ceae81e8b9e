import { describe, expect, test } from '@jest/globals';
import { aac, avc, avcAacStream } from '../../support/rtmp/media';
import { type RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectFlows, fingerprints, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { UserControl } from '../../support/rtmp/wire-builder';

const server = ServerOfFile.start();

const headers = [
  { kind: 'audio' as const, timestamp: 0, payload: aac.sequenceHeader() },
  { kind: 'video' as const, timestamp: 0, payload: avc.sequenceHeader() },
];

async function streamWithPlayers(): Promise<Record<'publisher' | 'player' | 'witness', RtmpClient>> {
  const channel = server.newChannel();
  const player = await server.player(channel);
  const witness = await server.player(channel);
  const publisher = await server.publisher(channel);
  publisher.sendMetadata({ width: 640 });
  sendMedia(publisher, avcAacStream('before', 2));
  await player.takeMedia(6);
  return { publisher, player, witness };
}

/** Until all that was sent to everybody so far has reached the player too. */
async function settled(publisher: RtmpClient, player: RtmpClient, witness: RtmpClient, last: Buffer): Promise<void> {
  await publisher.roundTrip();
  await witness.waitForPayload(last);
  await player.roundTrip();
}

describe('pause', () => {
  test('NetStream.Pause.Notify, no media; unpause: begin, config again, NetStream.Unpause.Notify, media again at a keyframe', async () => {
    const { publisher, player, witness } = await streamWithPlayers();
    player.sendCommand('pause', [null, true, 0], player.streamId);
    expect(await player.waitForUserControl(UserControl.streamEof)).toBe(1);
    expect(await player.waitForStatus('NetStream.Pause.Notify')).toMatchObject({ level: 'status', onStream: 1 });
    const seen = player.media.length;

    publisher.sendVideo(2_000, avc.keyframe('missed key'));
    publisher.sendVideo(2_040, avc.interFrame('missed'));
    publisher.sendVideo(3_000, avc.keyframe('cached key'));
    publisher.sendVideo(3_040, avc.interFrame('cached'));
    await settled(publisher, player, witness, avc.interFrame('cached'));
    expect(player.media).toHaveLength(seen);

    const before = player.received.length;
    player.sendCommand('pause', [null, false, 0], player.streamId);
    expect(await player.waitForStatus('NetStream.Unpause.Notify')).toMatchObject({ level: 'status', onStream: 1 });
    publisher.sendVideo(3_080, avc.interFrame('live'));
    await player.waitForPayload(avc.interFrame('live'));
    const since = player.received.slice(before);
    expect(since[0]?.payload.toString('hex')).toBe('000000000001');
    expect(since[1]?.data).toEqual(['onMetaData', { width: 640 }]);
    expect(fingerprints(since.filter(({ type }) => type === 8 || type === 9))).toEqual(
      fingerprints([
        ...headers,
        { kind: 'video', timestamp: 3_000, payload: avc.keyframe('cached key') },
        { kind: 'video', timestamp: 3_040, payload: avc.interFrame('cached') },
        { kind: 'video', timestamp: 3_080, payload: avc.interFrame('live') },
      ]),
    );
  });

  test('while idle it holds too: what is published meanwhile comes after the unpause', async () => {
    const channel = server.newChannel();
    const [player, witness] = [await server.player(channel), await server.player(channel)];
    player.sendCommand('pause', [null, true, 0], player.streamId);
    await player.waitForStatus('NetStream.Pause.Notify');
    const publisher = await server.publisher(channel);
    sendMedia(publisher, avcAacStream('idle', 2));
    await settled(publisher, player, witness, aac.frame('idle-a1', 100));
    player.sendCommand('pause', [null, false, 0], player.streamId);
    await player.waitForStatus('NetStream.Unpause.Notify');
    await player.waitForPayload(avc.keyframe('idle-v0', 400));
    await expectFlows(publisher, player, 'flows');
  });

  test('with the cache off, it waits for a keyframe after the unpause', async () => {
    const publisher = await uncached.publisher('uncached');
    const [player, witness] = [await uncached.player('uncached'), await uncached.player('uncached')];
    sendMedia(publisher, avcAacStream('before', 2));
    await player.takeMedia(6);
    player.sendCommand('pause', [null, true, 0], player.streamId);
    await player.waitForStatus('NetStream.Pause.Notify');
    publisher.sendVideo(2_000, avc.interFrame('paused'));
    await settled(publisher, player, witness, avc.interFrame('paused'));
    player.sendCommand('pause', [null, false, 0], player.streamId);
    await player.waitForStatus('NetStream.Unpause.Notify');
    const seen = player.media.length;
    publisher.sendVideo(2_040, avc.interFrame('cannot be decoded'));
    publisher.sendVideo(2_080, avc.keyframe('key'));
    await player.waitForPayload(avc.keyframe('key'));
    expect(player.media.length).toBe(seen + 1);
  });
});
const uncached = ServerOfFile.start({ GOP_CACHE_SIZE_MB: '0' });

describe('receiveAudio(false) / receiveVideo(false)', () => {
  test.each([
    { command: 'receiveAudio', stopped: 8, kept: 9 },
    { command: 'receiveVideo', stopped: 9, kept: 8 },
  ])('$command stops that kind only, true brings it back', async ({ command, stopped, kept }) => {
    const { publisher, player, witness } = await streamWithPlayers();
    player.sendCommand(command, [null, false], player.streamId);
    await player.roundTrip();
    const before = player.media.length;
    sendMedia(publisher, avcAacStream('without', 5));
    await settled(publisher, player, witness, aac.frame('without-a4', 100));
    const types = player.media.slice(before).map(({ type }) => type);
    expect(types).not.toContain(stopped);
    expect(types.filter((type) => type === kept).length).toBe(6);

    player.sendCommand(command, [null, true], player.streamId);
    await player.roundTrip();
    const items = avcAacStream('again', 3);
    sendMedia(publisher, items);
    await player.waitForPayload(items.at(-1)!.payload);
    await player.waitForPayload(items.at(-2)!.payload);
    const after = player.media.slice(-items.length);
    expect(fingerprints(after)).toEqual(fingerprints(items));
  });

  test('other players are not affected', async () => {
    const { publisher, player, witness } = await streamWithPlayers();
    for (const command of ['receiveAudio', 'receiveVideo']) player.sendCommand(command, [null, false], player.streamId);
    await player.roundTrip();
    const items = avcAacStream('all', 5);
    sendMedia(publisher, items);
    await witness.waitForPayload(items.at(-1)!.payload);
    expect(fingerprints(witness.media.slice(-items.length))).toEqual(fingerprints(items));
  });
});
