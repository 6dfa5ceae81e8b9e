import { afterEach, describe, expect, test } from '@jest/globals';
import { type FlvPlayer, HttpPlayer, WebSocketPlayer } from '../support/http-player';
import { packetsOf, packetsOfFile, playWithFfmpeg, publishWithFfmpeg, sourceFile } from '../support/programs/ffmpeg';
import { Program } from '../support/programs/program';
import { fourCcAudio, fourCcVideo } from '../support/rtmp/enhanced-media';
import { mediaOfFlv } from '../support/rtmp/flv-file';
import { avcAacStream, type MediaItem } from '../support/rtmp/media';
import { fingerprints, sendMedia, ServerOfFile } from '../support/servers/server-of-file';

const players: FlvPlayer[] = [];
afterEach(() => {
  for (const player of players.splice(0)) player.close();
});

function keep<T extends FlvPlayer>(player: T): T {
  players.push(player);
  return player;
}

describe('programs', () => {
  const server = ServerOfFile.start({ HTTP_PORT: '0' });
  const url = (channel: string): string => server.process.httpUrl(`/live/${channel}/key.flv`);

  describe.each(['h264-aac', 'h264', 'aac', 'mp3'] as const)('with a stream of %s', (kind) => {
    test('ffmpeg and ffprobe get its packets bit for bit, with their times, until it ends', async () => {
      const channel = server.newChannel();
      const file = await sourceFile(kind);
      const published = await packetsOfFile(file);
      const witness = await server.player(channel);
      const publisher = publishWithFfmpeg(file, server.process.rtmpUrl(channel, 'key'));
      await witness.takeMedia(4);
      const player = playWithFfmpeg(url(channel));
      const probe = new Program('ffprobe', [
        '-v',
        'error',
        '-show_entries',
        'packet=size',
        '-of',
        'csv=p=0',
        url(channel),
      ]);
      await publisher.succeeded();
      const played = await packetsOf(player);
      const start = published.video.findIndex(({ md5 }) => md5 === played.video[0]?.md5);
      expect(played.video).toEqual(published.video.slice(Math.max(0, start)));
      expect(played.audio).toEqual(published.audio.slice(published.audio.length - played.audio.length));
      expect(played.configurations).toEqual(published.configurations);
      expect(played.video.length + played.audio.length).toBeGreaterThan(20);
      await probe.succeeded();
      const sizes = probe.stdout.toString().trim().split(/\s+/).map(Number);
      expect(sizes.length).toBeGreaterThan(20);
      const known = new Set([...published.video, ...published.audio].map(({ size }) => size));
      expect(sizes.filter((size) => !known.has(size))).toEqual([]);
    });
  });

  test('codecs of Enhanced RTMP pass as they are', async () => {
    const channel = server.newChannel();
    const [video, audio] = [fourCcVideo('hvc1'), fourCcAudio('Opus')];
    const media: MediaItem[] = [
      { kind: 'video', timestamp: 0, payload: video.sequenceStart(Buffer.from('hevc configuration')) },
      { kind: 'audio', timestamp: 0, payload: audio.sequenceStart(Buffer.from('OpusHead')) },
      { kind: 'video', timestamp: 0, payload: video.keyframe('h265 key', 70_000) },
      { kind: 'audio', timestamp: 1, payload: audio.frame('opus') },
      { kind: 'video', timestamp: 40, payload: video.interFrame('h265 inter') },
    ];
    const [publisher, witness] = [await server.publisher(channel), await server.player(channel)];
    sendMedia(publisher, media);
    await witness.waitForPayload(media.at(-1)!.payload);
    for (const player of [await HttpPlayer.open(url(channel)), await WebSocketPlayer.open(url(channel))]) {
      const played = await keep(player).waitForPayload(media.at(-1)!.payload);
      expect(fingerprints(played).sort()).toEqual(fingerprints(media).sort());
    }
  });

  test('a WebSocket player gets the stream of an encoder tag by tag', async () => {
    const channel = server.newChannel();
    const file = await sourceFile('h264-aac');
    const witness = await server.player(channel);
    const publisher = publishWithFfmpeg(file, server.process.rtmpUrl(channel, 'key'));
    await witness.takeMedia(4);
    const player = keep(await WebSocketPlayer.open(url(channel)));
    await publisher.succeeded();
    expect(await player.ended()).toMatchObject({ isComplete: true });
    const source = fingerprints(mediaOfFlv(file));
    const played = fingerprints(player.media);
    expect(played.length).toBeGreaterThan(20);
    expect(source).toEqual(expect.arrayContaining(played));
    expect(played.at(-1)).toBe(source.at(-1));
  });
});

describe('WORKERS=2', () => {
  const server = ServerOfFile.start({ WORKERS: '2', HTTP_PORT: '0' });
  const url = (channel: string): string => server.process.httpUrl(`/live/${channel}/key.flv`);

  test('the first players of a stream come to the worker that has it, further ones to the other too', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    const accepted = new RegExp(`publish accepted worker=(\\d+) channel=${channel} `);
    const [, owner] = await server.process.waitForLog(accepted);
    const media = avcAacStream('workers', 20);
    const witness = await server.player(channel);
    sendMedia(publisher, media);
    await witness.waitForPayload(media.at(-1)!.payload);
    const all: FlvPlayer[] = [];
    for (let i = 0; i < 10; i += 1) {
      const player = i % 2 === 0 ? await HttpPlayer.open(url(channel)) : await WebSocketPlayer.open(url(channel));
      all.push(keep(player));
    }
    const last: MediaItem = { kind: 'video', timestamp: 5_000, payload: Buffer.from('\x27\x01\0\0\0last', 'latin1') };
    sendMedia(publisher, [last]);
    const expected = fingerprints([...media, last]).sort();
    for (const player of all) {
      const played = fingerprints(await player.waitForPayload(last.payload));
      expect(played).toEqual(expect.arrayContaining(expected));
    }
    const play = new RegExp(`\\) play worker=(\\d+) channel=${channel} protocol=`);
    const workers = (await server.process.waitForMatches(play, 10)).map(([, worker]) => worker);
    expect(workers.filter((worker) => worker === owner)).toHaveLength(8);
    const metrics = await (await fetch(server.process.httpUrl('/metrics'))).text();
    expect(metrics).toContain('\nrtmp_players{protocol="http-flv"} 5\n');
    expect(metrics).toContain('\nrtmp_players{protocol="ws-flv"} 5\n');
    publisher.deleteStream();
    for (const player of all) expect(await player.ended()).toMatchObject({ isComplete: true });
  });

  test('a player is refused by a worker as by one process', async () => {
    const channel = server.newChannel();
    await expect(HttpPlayer.open(url(channel))).rejects.toThrow(/^404 /);
    await server.publisher(channel, 'other');
    await expect(HttpPlayer.open(url(channel))).rejects.toThrow(/^401 .*Wrong stream key/);
    await expect(WebSocketPlayer.open(url(channel))).rejects.toThrow(/^401 .*Wrong stream key/);
  });
});
