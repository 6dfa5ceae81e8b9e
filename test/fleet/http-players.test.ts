import { afterEach, expect, test } from '@jest/globals';
import { type FlvPlayer, HttpPlayer, WebSocketPlayer } from '../support/http-player';
import { packetsOf, packetsOfFile, playWithFfmpeg, publishWithFfmpeg, sourceFile } from '../support/programs/ffmpeg';
import { avcAacStream } from '../support/rtmp/media';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { FleetOfFile } from '../support/servers/fleet';
import { fingerprints, sendMedia } from '../support/servers/server-of-file';

const ofFile = FleetOfFile.start({ nodes: 2, callbacks: true });
const players: FlvPlayer[] = [];
afterEach(() => {
  for (const player of players.splice(0)) player.close();
});

const url = (at: number, channel: string, key = 'key'): string =>
  ofFile.fleet.node(at).httpUrl(`/live/${channel}/${key}.flv`);

async function open(address: string): Promise<FlvPlayer> {
  const player = address.startsWith('ws') ? await WebSocketPlayer.open(address) : await HttpPlayer.open(address);
  players.push(player);
  return player;
}

test('a player over HTTP gets the stream of another node, and its end', async () => {
  const { fleet } = ofFile;
  const channel = fleet.newChannel();
  const publisher = await fleet.publisher(0, channel);
  const media = avcAacStream('elsewhere', 30);
  sendMedia(publisher, media);
  await publisher.roundTrip();
  const [first, second] = [await open(url(1, channel)), await open(url(1, channel).replace(/^http/, 'ws'))];
  for (const player of [first, second]) {
    const played = fingerprints(await player.waitForPayload(media.at(-1)!.payload));
    expect(fingerprints(media)).toEqual(expect.arrayContaining(played));
    expect(player.flags).toBe(5);
  }
  expect(fleet.relaysServed(0, channel)).toBe(1);
  publisher.deleteStream();
  for (const player of [first, second]) expect(await player.ended()).toMatchObject({ isComplete: true });
});

test('a player over HTTP is refused by any node for a wrong key, and where nobody publishes', async () => {
  const { fleet } = ofFile;
  const channel = fleet.newChannel();
  await expect(open(url(1, channel))).rejects.toThrow(/^404 /);
  await fleet.publisher(0, channel);
  await expect(open(url(1, channel, 'wrong'))).rejects.toThrow(/^401 .*Wrong stream key/);
  await expect(open(url(1, channel, 'wrong').replace(/^http/, 'ws'))).rejects.toThrow(/^401 .*Wrong stream key/);
  expect(fleet.relaysServed(0, channel)).toBe(0);
});

test('the key of a player over HTTP is the play key, where the handler gave one', async () => {
  const { fleet } = ofFile;
  const channel = fleet.newChannel();
  fleet.journal.answer(channel, () => ({ headers: { 'stream-id': 'with-play-key', 'play-key': 'viewers' } }));
  const publisher = await fleet.publisher(0, channel);
  const media = avcAacStream('for viewers', 5);
  sendMedia(publisher, media);
  for (const at of [0, 1]) {
    await expect(open(url(at, channel))).rejects.toThrow(/^401 .*Wrong stream key/);
    await (await open(url(at, channel, 'viewers'))).waitForPayload(media.at(-1)!.payload);
  }
});

test('ffmpeg plays over HTTP from another node, packet for packet', async () => {
  const { fleet } = ofFile;
  const channel = fleet.newChannel();
  const file = await sourceFile('h264-aac');
  const publisher = publishWithFfmpeg(file, fleet.node(0).rtmpUrl(channel, 'key'));
  await fleet.node(0).waitForLog(new RegExp(`publish accepted channel=${channel}`));
  const player = playWithFfmpeg(url(1, channel));
  await publisher.succeeded();
  const [played, source] = [await packetsOf(player), await packetsOfFile(file)];
  expect(played.video).toEqual(source.video.slice(source.video.length - played.video.length));
  expect(played.audio).toEqual(source.audio.slice(source.audio.length - played.audio.length));
  expect(played.video.length).toBeGreaterThan(20);
});

test('a node that drains ends its HTTP players properly, and another node serves them', async () => {
  const { fleet } = ofFile;
  const channel = fleet.newChannel();
  const publisher = await fleet.publisher(0, channel);
  const media = avcAacStream('drained', 30);
  sendMedia(publisher, media);
  await publisher.roundTrip();
  const leaving = await fleet.newNode(2, { DRAIN_SECONDS: '20' });
  // A viewer that stays keeps the node from ending.
  const rtmp = await RtmpClient.connect({ port: leaving.rtmpPort, app: channel });
  await rtmp.play('key');
  const address = leaving.httpUrl(`/live/${channel}/key.flv`);
  const [http, webSocket] = [await open(address), await open(address.replace(/^http/, 'ws'))];
  for (const player of [http, webSocket]) await player.waitForPayload(media.at(-1)!.payload);
  leaving.program.signal('SIGTERM');
  expect(await http.ended()).toEqual({ isComplete: true });
  expect(await webSocket.ended()).toEqual({ isComplete: false, code: 1001, reason: 'Server is shutting down' });
  await expect(open(address)).rejects.toThrow(/^503 .*Server is shutting down/);
  await (await open(url(1, channel))).waitForPayload(media.at(-1)!.payload);
  await rtmp.close();
  expect((await leaving.exited).code).toBe(0);
});
