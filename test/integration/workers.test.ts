import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CallbackJournal } from '../support/servers/callback-journal';
import { type CallbackServer, startCallbackServer } from '../support/servers/callback-server';
import { FleetOfFile } from '../support/servers/fleet';
import {
  ffmpeg,
  packetsOf,
  packetsOfFile,
  playWithFfmpeg,
  publishWithFfmpeg,
  sourceFile,
} from '../support/programs/ffmpeg';
import { playWithGstreamer } from '../support/programs/gstreamer';
import { avcAacStream } from '../support/rtmp/media';
import type { Program } from '../support/programs/program';
import { RedisServer } from '../support/servers/redis-server';
import { playWithRtmpdump } from '../support/programs/rtmpdump';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { expectFlows, sendMedia, fingerprints, ServerOfFile } from '../support/servers/server-of-file';
import { ServerProcess } from '../support/servers/server-process';
import { workersOf } from '../support/servers/worker-processes';

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('WORKERS=2', () => {
  const server = ServerOfFile.start({ WORKERS: '2', HTTP_PORT: '0' });

  test('players on both workers get the same stream, and the node speaks of it once', async () => {
    const channel = server.newChannel();
    const players = await Promise.all(Array.from({ length: 6 }, () => server.player(channel)));
    const publisher = await server.publisher(channel);
    const media = avcAacStream('m', 10);
    sendMedia(publisher, media);
    for (const player of players) {
      // Sorted: on the other worker the sequence headers come in the order of late players.
      expect(fingerprints(await player.takeMedia(media.length)).sort()).toEqual(fingerprints(media).sort());
    }
    const streams = (await (await fetch(server.process.httpUrl('/api/streams'))).json()) as { players: number }[];
    expect(streams).toMatchObject([{ channel, players: 6, relay: false }]);
    const metrics = await (await fetch(server.process.httpUrl('/metrics'))).text();
    expect(metrics).toContain('\nrtmp_publishers 1\n');
    expect(metrics).toContain('\nrtmp_players{protocol="rtmp"} 6\n');
    expect(server.process.log).toMatch(/play .*worker=1/);
    expect(server.process.log).toMatch(/play .*worker=2/);
  });

  /** The workers that serve the channel's viewers, one number for each of at least so many. */
  async function playedBy(channel: string, viewers: number): Promise<number[]> {
    const play = new RegExp(`\\) play worker=(\\d+) channel=${channel}\\n`);
    return (await server.process.waitForMatches(play, viewers)).map(([, worker]) => Number(worker));
  }

  test('the viewers of a stream are served by the worker that has it', async () => {
    for (let round = 0; round < 4; round += 1) {
      const channel = server.newChannel();
      const publisher = await server.publisher(channel);
      const accepted = new RegExp(`publish accepted worker=(\\d+) channel=${channel} `);
      const owner = Number((await server.process.waitForLog(accepted))[1]);
      const players = [];
      for (let i = 0; i < 4; i += 1) players.push(await server.player(channel));
      expect(await playedBy(channel, 4)).toEqual([owner, owner, owner, owner]);
      const media = avcAacStream('m', 10);
      sendMedia(publisher, media);
      for (const player of players) {
        expect(fingerprints(await player.takeMedia(media.length))).toEqual(fingerprints(media));
      }
      await expect(server.player(channel, 'another-key')).rejects.toThrow('Wrong stream key');
    }
    expect(server.process.log).toMatch(/closed .*code=moved/);
  });

  test('both workers serve a stream that has many', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    const players = [];
    for (let i = 0; i < 30; i += 1) players.push(await server.player(channel));
    const workers = await playedBy(channel, 30);
    expect(workers).toHaveLength(30);
    for (const worker of [1, 2]) expect(workers.filter((each) => each === worker).length).toBeGreaterThan(8);
    for (const player of players) await expectFlows(publisher, player, `to all ${players.indexOf(player)}`);
  });

  test('ffmpeg, GStreamer and rtmpdump do not notice that they were moved', async () => {
    const channel = server.newChannel();
    const url = server.process.rtmpUrl(channel, 'key');
    const source = await sourceFile('h264-aac');
    const folder = mkdtempSync(join(tmpdir(), 'workers-'));
    const publisher = ffmpeg(['-re', '-stream_loop', '2', '-i', source, '-c', 'copy', '-f', 'flv', url]);
    await server.process.waitForLog(new RegExp(`publish accepted .*channel=${channel} `));
    const moved = (): number => server.process.log.split('code=moved').length;
    const movedBefore = moved();
    const files: string[] = [];
    const newFile = (): string => {
      files.push(join(folder, `${files.length}.flv`));
      return files.at(-1)!;
    };
    const programs: Program[] = [];
    const ffmpegs: Program[] = [];
    const kinds = [
      () => ffmpegs[ffmpegs.push(playWithFfmpeg(url)) - 1]!,
      () => playWithGstreamer(url, newFile()),
      () => playWithRtmpdump(url, newFile()),
    ];
    for (const play of kinds) {
      // Workers get connections in turn, the server's self-test connections among them.
      for (const before = moved(); moved() === before && programs.length < 8;) {
        programs.push(play());
        await playedBy(channel, programs.length);
      }
    }
    await publisher.succeeded();
    expect(new Set(await playedBy(channel, programs.length)).size).toBe(1);
    expect(moved()).toBe(movedBefore + kinds.length);
    const known = new Set((await packetsOfFile(source)).video.map(({ md5 }) => md5));
    const got = await Promise.all(ffmpegs.map(packetsOf));
    for (const program of programs) await program.succeeded();
    for (const file of files) got.push(await packetsOfFile(file));
    for (const { video, audio } of got) {
      expect(video.length).toBeGreaterThan(50);
      expect(audio.length).toBeGreaterThan(50);
      expect(video.filter(({ md5 }) => !known.has(md5))).toEqual([]);
    }
    rmSync(folder, { recursive: true });
  });

  test('one channel has one publisher, whichever worker the next one comes to', async () => {
    const channel = server.newChannel();
    await server.publisher(channel);
    for (let i = 0; i < 4; i += 1) {
      await expect(server.publisher(channel)).rejects.toThrow('Stream already publishing');
    }
  });
});

test('connections of one address are counted over all workers', async () => {
  const server = await ServerProcess.start({ WORKERS: '2', MAX_IP_CONCURRENT_CONNECTIONS: '3' });
  const open = (): Promise<RtmpClient> => RtmpClient.open({ port: server.rtmpPort });
  const clients = await Promise.all([open(), open(), open()]);
  await expect(open()).rejects.toThrow();
  for (const client of clients) await client.connection.close();
  expect(await server.stop()).toBe(0);
});

describe('WORKERS=2 with callbacks and Redis', () => {
  let redis: RedisServer;
  let handler: CallbackServer;
  let journal: CallbackJournal;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  beforeAll(async () => {
    handler = await startCallbackServer();
    journal = new CallbackJournal(handler);
  });
  const server = ServerOfFile.start(() => ({
    WORKERS: '2',
    CALLBACK_URL: handler.url.href,
    JWT_SECRET: 'secret',
    REDIS_USE: 'YES',
    REDIS_PORT: String(redis.port),
    RECONNECT_GRACE_SECONDS: '2',
  }));
  afterAll(async () => {
    await handler.stop();
    await redis.remove();
  });

  /** Publishers on both workers, by the worker that has them. */
  async function publishers(): Promise<Map<number, { channel: string; client: RtmpClient }[]>> {
    const all = Array.from({ length: 8 }, () => server.newChannel());
    const clients = await Promise.all(all.map((channel) => server.publisher(channel)));
    const byWorker = new Map<number, { channel: string; client: RtmpClient }[]>();
    for (const [i, channel] of all.entries()) {
      const accepted = new RegExp(`publish accepted worker=(\\d+) channel=${channel} `);
      const worker = Number((await server.process.waitForLog(accepted))[1]);
      byWorker.set(worker, [...(byWorker.get(worker) ?? []), { channel, client: clients[i]! }]);
    }
    return byWorker;
  }

  test('kill-session reaches a publisher on any worker', async () => {
    for (const streams of (await publishers()).values()) {
      for (const { channel, client } of streams) {
        await redis.publish('rtmp_commands', `kill-session>${channel}`);
        await client.expectClosed();
        await journal.next(channel, 'stop');
      }
    }
  });

  test('a lost publisher comes back on whichever worker: its viewers see one stream', async () => {
    const channel = server.newChannel();
    journal.answer(channel, ({ claims }) => ({ headers: { 'stream-id': String(claims['resume'] ?? 'the-id') } }));
    let publisher = await server.publisher(channel);
    const players = await Promise.all([1, 2, 3, 4].map(() => server.player(channel)));
    for (const time of [1, 2, 3]) {
      for (const player of players) await expectFlows(publisher, player, `before loss ${time}`);
      await publisher.connection.reset();
      await server.process.waitForLog(new RegExp(`(?:channel held.*channel=${channel} [^]*){${time}}`));
      publisher = await server.publisher(channel);
    }
    for (const player of players) {
      await expectFlows(publisher, player, 'last');
      expect(player.statusCodes).not.toContain('NetStream.Play.UnpublishNotify');
    }
    expect(journal.events(channel)).toEqual(['start', 'start', 'start', 'start']);
  });

  test('a worker that is killed: its stops are sent, the other one goes on, and another one starts', async () => {
    const byWorker = await publishers();
    const [victim, survivor] = [...byWorker.keys()];
    const pids = workersOf(server.process);
    expect([byWorker.size, pids.length]).toEqual([2, 2]);
    const player = await server.player(byWorker.get(survivor!)![0]!.channel);
    // Workers are numbered in the order in which they were started.
    process.kill(pids[victim! < survivor! ? 0 : 1]!, 'SIGKILL');
    for (const { channel, client } of byWorker.get(victim!)!) {
      await client.expectClosed();
      await journal.next(channel, 'stop');
    }
    const [first] = byWorker.get(survivor!)!;
    if (player.connection.isOpen) await expectFlows(first!.client, player, 'still there');
    await server.process.waitForLog(/a worker ended, another one is started/);
    await server.process.waitForLog(/(?:RTMP listening[^]*){3}/);
    expect(workersOf(server.process)).toHaveLength(2);
    for (const { channel } of byWorker.get(survivor!)!) expect(journal.events(channel)).not.toContain('stop');
    expect((await publishers()).size).toBe(2);
  });
});

test('Ctrl-C ends all processes, and pending stops are sent', async () => {
  const handler = await startCallbackServer();
  const callback = { CALLBACK_URL: handler.url.href, JWT_SECRET: 'secret' };
  const server = await ServerProcess.start({ WORKERS: '2', ...callback });
  const pids = workersOf(server);
  await RtmpClient.publisher({ port: server.rtmpPort, channel: 'a', key: 'key' });
  await RtmpClient.publisher({ port: server.rtmpPort, channel: 'b', key: 'key' });
  // As a terminal does: to every process of the group.
  for (const pid of pids) process.kill(pid, 'SIGINT');
  expect(await server.stop('SIGINT')).toBe(0);
  expect(pids.filter(isRunning)).toEqual([]);
  expect(handler.requests.filter(({ claims }) => claims['event'] === 'stop')).toHaveLength(2);
  await handler.stop();
});

test('SIGTERM ends all processes, one that hangs too, and the stops of all are sent', async () => {
  const handler = await startCallbackServer();
  const server = await ServerProcess.start({ WORKERS: '2', CALLBACK_URL: handler.url.href, JWT_SECRET: 'secret' });
  const pids = workersOf(server);
  const channelOf = new Map<string, string>();
  for (const channel of ['a', 'b']) {
    await RtmpClient.publisher({ port: server.rtmpPort, channel, key: 'key' });
    const accepted = new RegExp(`publish accepted worker=(\\d+) channel=${channel} `);
    channelOf.set((await server.waitForLog(accepted))[1]!, channel);
  }
  expect([...channelOf.keys()].sort()).toEqual(['1', '2']);
  process.kill(pids[0]!, 'SIGSTOP');
  expect(await server.stop()).toBe(0);
  expect(pids.filter(isRunning)).toEqual([]);
  const stops = handler.requests.filter(({ claims }) => claims['event'] === 'stop');
  // The parent process sends the stops of the worker that it had to end.
  expect(stops.map(({ claims }) => claims['channel'])).toEqual([channelOf.get('2'), channelOf.get('1')]);
  await handler.stop();
});

test('workers end with the process that started them', async () => {
  const server = await ServerProcess.start({ WORKERS: '2' });
  const pids = workersOf(server);
  await server.stop('SIGKILL');
  for (const deadline = Date.now() + 5_000; pids.some(isRunning) && Date.now() < deadline;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(pids.filter(isRunning)).toEqual([]);
});

describe('WORKERS=2 on each of two nodes of a fleet', () => {
  const ofFile = FleetOfFile.start({ nodes: 2, environment: { WORKERS: '2' } });

  test('a stream is the same for ffmpeg players on all four processes', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const file = await sourceFile('h264');
    const players = [0, 0, 1, 1].map((at) => playWithFfmpeg(fleet.node(at).rtmpUrl(channel, 'key')));
    for (const at of [0, 1]) await fleet.node(at).waitForLog(/(?:\) play worker[^]*){2}/);
    const publisher = publishWithFfmpeg(file, fleet.node(0).rtmpUrl(channel, 'key'));
    const viewer = await fleet.player(1, channel);
    await viewer.nextVideo();
    const page = await fetch(fleet.node(1).httpUrl('/api/streams'));
    expect(await page.json()).toMatchObject([{ channel, relay: true, players: 3 }]);
    await publisher.succeeded();
    const source = await packetsOfFile(file);
    for (const player of players) expect(await packetsOf(player)).toEqual(source);
  });

  test('drain> with the name of the machine ends all of it', async () => {
    const { fleet } = ofFile;
    await fleet.redis.publish('rtmp_commands', `drain>${fleet.nodeId(0)}`);
    expect((await fleet.node(0).exited).code).toBe(0);
    expect(fleet.node(1).program.isRunning).toBe(true);
  });
});
