import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { packetsOfFile, publishWithFfmpeg, sourceFile } from '../support/programs/ffmpeg';
import { Program } from '../support/programs/program';
import { mediaOfFlv } from '../support/rtmp/flv-file';
import { LivePublisher } from '../support/rtmp/live-publisher';
import { avcAacStream } from '../support/rtmp/media';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import {
  commandLineOf,
  eventOf,
  eventsOf,
  filesBelow,
  isRunning,
  outputsPid,
  until,
} from '../support/servers/outputs-process';
import { freePort } from '../support/servers/redis-server';
import { fingerprints, sendMedia, ServerOfFile } from '../support/servers/server-of-file';
import { repositoryRoot, type ServerEnvironment, ServerProcess } from '../support/servers/server-process';

const OUTPUTS_BUNDLE = join(repositoryRoot, '.build/rtmp-outputs.cjs');
const TOKEN = 'a-token-of-the-tests-0123456789';

const folder = mkdtempSync(join(tmpdir(), 'rtmp-outputs-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Process ids of a process's children. */
function childrenOf(pid: number): number[] {
  const ids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return ids.split(' ').filter(Boolean).map(Number);
}
let folders = 0;
function newFolder(): string {
  folders += 1;
  return join(folder, String(folders));
}

/** A recording's JSON, once it is there. */
async function documentOf(root: string, state = 'done'): Promise<Record<string, unknown>> {
  return until(() => {
    try {
      // Not the journal of a recording whose event the node has not got.
      const path = filesBelow(root, '.json').find((name) => !name.includes('.unfinished'));
      const document = JSON.parse(readFileSync(path!, 'utf8')) as Record<string, unknown>;
      return document['state'] === state ? document : undefined;
    } catch {
      return undefined;
    }
  });
}

async function withServer(
  environment: ServerEnvironment,
  run: (server: ServerProcess) => Promise<void>,
): Promise<void> {
  const server = await ServerProcess.start({ HTTP_PORT: '0', CONCURRENT_LIMIT_WHITELIST: '*', ...environment });
  try {
    await run(server);
  } finally {
    await server.stop('SIGKILL');
  }
}

function livePublisher(server: ServerProcess, channel: string, key = 'key'): Promise<LivePublisher> {
  return LivePublisher.start({ channel, key, port: () => server.rtmpPort });
}

describe('a node with a place for recordings and a target', () => {
  const recordings = newFolder();
  const target = ServerOfFile.start({ HTTP_PORT: '0' });
  const server = ServerOfFile.start(async () => {
    const there = await until(() => target.process);
    return {
      HTTP_PORT: '0',
      RECORD_TO: recordings,
      FORWARD_ALLOW: '127.0.0.1',
      FORWARD_URLS: there.rtmpUrl('copy', 'secret-key-of-target'),
      // For clients; the program is none.
      MAX_IP_CONCURRENT_CONNECTIONS: '1',
      CONCURRENT_LIMIT_WHITELIST: undefined,
      RTMP_PLAY_WHITELIST: '192.0.2.1',
    };
  });

  test('a stream of ffmpeg is recorded and arrives at a second server, bit for bit', async () => {
    const file = await sourceFile('h264-aac');
    const witness = await target.player('copy', 'secret-key-of-target');
    await publishWithFfmpeg(file, server.process.rtmpUrl('news', 'key')).succeeded();
    const done = await eventOf(server.process, 'recording.done');
    expect(done).toMatchObject({ channel: 'news', output: 'record-flv', format: 'flv', gaps: 0, parts: 1 });
    const published = await packetsOfFile(file);
    expect(await packetsOfFile(done.files[0]!.place)).toEqual(published);
    // It begins with a keyframe, once the target has accepted it.
    const sizes = new Set([...published.video, ...published.audio].map(({ size }) => size));
    const forwarded = (await witness.takeMedia(20)).slice(2);
    expect(forwarded.filter(({ payload }) => !sizes.has(payload.length - (payload[0]! >> 4 === 10 ? 2 : 5)))).toEqual(
      [],
    );
    expect((await eventOf(target.process, 'stream.ended')).channel).toBe('copy');
    // It is no viewer, and the log shows no key of a target.
    const metrics = await (await fetch(server.process.httpUrl('/metrics'))).text();
    expect(metrics).toContain('\nrtmp_players{protocol="rtmp"} 0\n');
    expect(server.process.log).not.toContain('secret-key-of-target');
  });

  test('the program shows no secret to other users of the machine', () => {
    const pid = outputsPid(server.process)!;
    expect(commandLineOf(pid).join(' ')).not.toContain('secret');
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toMatch(/TOKEN/);
  });

  test('when it is killed, players notice nothing, and outputs continue at the next keyframe', async () => {
    const { process: node } = server;
    const publisher = await livePublisher(node, 'killed');
    const first = await until(() => filesBelow(join(recordings, 'killed'), '.flv')[0]);
    await until(() => (publisher.sent > 25 ? true : undefined));
    const pid = outputsPid(node)!;
    const sentBefore = publisher.sent;
    process.kill(pid, 'SIGKILL');
    await eventOf(node, 'outputs.down');
    await eventOf(node, 'outputs.up');
    await eventOf(node, 'output.gap', ({ output }) => output === 'record-flv');
    const second = await until(() => filesBelow(join(recordings, 'killed'), '.flv').find((path) => path !== first));
    await until(() => (mediaOfFlv(second).length > 30 ? true : undefined));
    expect(publisher.failures).toEqual([]);
    publisher.stop();
    const whole = await eventOf(node, 'recording.done', ({ channel, files }) => {
      return channel === 'killed' && files[0]?.place === second;
    });
    expect(whole.files).toHaveLength(1);
    const killed = await eventOf(node, 'recording.done', ({ files }) => files[0]?.place === first);
    expect(killed.channel).toBe('killed');
    // From a keyframe on, each frame that the publisher sent.
    const media = mediaOfFlv(second).filter(({ kind }) => kind === 'video');
    const labels = media.map(({ payload }) => /frame (\d+);/.exec(payload.toString('latin1'))?.[1]).filter(Boolean);
    const numbers = labels.map(Number);
    expect(numbers[0]! % 10).toBe(0);
    expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
    expect(numbers.at(-1)).toBeGreaterThan(sentBefore);
    expect(outputsPid(node)).not.toBe(pid);
  });
});

test('a publisher that comes back within the grace time continues the same recording', async () => {
  const recordings = newFolder();
  await withServer({ RECORD_TO: recordings, RECONNECT_GRACE_SECONDS: '60' }, async (server) => {
    const publisher = await livePublisher(server, 'grace');
    await until(() => filesBelow(recordings, '.flv')[0]);
    await until(() => (publisher.sent > 15 ? true : undefined));
    await publisher.lose();
    await eventOf(server, 'stream.held');
    await publisher.comeBack();
    const before = publisher.sent;
    await until(() => (publisher.sent > before + 15 ? true : undefined));
    publisher.stop();
    const done = await eventOf(server, 'recording.done');
    expect(done.files.length).toBe(done.parts);
    const numbers = done.files
      .flatMap(({ place }) => mediaOfFlv(place))
      .flatMap(({ payload }) => /frame (\d+);/.exec(payload.toString('latin1'))?.slice(1) ?? [])
      .map(Number);
    expect(numbers).toContain(0);
    expect(numbers.at(-1)).toBeGreaterThan(before);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect((await eventsOf(server)).filter(({ type }) => type === 'recording.done')).toHaveLength(1);
  });
});

test('a takeover of the same stream continues the same recording', async () => {
  const recordings = newFolder();
  await withServer(
    { RECORD_TO: recordings, PUBLISHER_TAKEOVER: 'YES', RECONNECT_GRACE_SECONDS: '60' },
    async (server) => {
      const publisher = await livePublisher(server, 'taken');
      await until(() => (publisher.sent > 15 ? true : undefined));
      await publisher.move();
      await until(() => (publisher.moves === 1 ? true : undefined));
      const before = publisher.sent;
      await until(() => (publisher.sent > before + 15 ? true : undefined));
      publisher.stop();
      await eventOf(server, 'recording.done');
      const events = await eventsOf(server);
      const ended = events.filter(({ type }) => type === 'stream.ended').length;
      expect(events.filter(({ type }) => type === 'recording.done')).toHaveLength(ended);
    },
  );
});

describe('the end of the node', () => {
  test('SIGTERM completes recordings, and the program ends with the node', async () => {
    const recordings = newFolder();
    await withServer({ RECORD_TO: recordings, DRAIN_SECONDS: '20' }, async (server) => {
      const publishers = await Promise.all([1, 2, 3].map((number) => livePublisher(server, `end-${number}`)));
      await until(() => (publishers.every(({ sent }) => sent > 15) ? true : undefined));
      const pid = outputsPid(server)!;
      expect(await server.stop()).toBe(0);
      for (const publisher of publishers) publisher.stop();
      expect(isRunning(pid)).toBe(false);
      const documents = filesBelow(recordings, '.json').map((path) => JSON.parse(readFileSync(path, 'utf8')) as object);
      expect(documents).toHaveLength(3);
      for (const document of documents) expect(document).toMatchObject({ state: 'done', code: 'shutdown' });
      for (const [index, path] of filesBelow(recordings, '.flv').entries()) {
        const numbers = mediaOfFlv(path).flatMap(
          ({ payload }) => /frame (\d+);/.exec(payload.toString('latin1'))?.slice(1) ?? [],
        );
        expect(numbers.length).toBeGreaterThan(15);
        expect(numbers).toEqual(numbers.map((_, at) => String(at)));
        expect(path).toContain(`end-${index + 1}`);
      }
    });
  });

  test('SIGKILL of the node: the program completes what it has, and the next start sends the event', async () => {
    const recordings = newFolder();
    await withServer({ RECORD_TO: recordings }, async (server) => {
      const publisher = await livePublisher(server, 'orphan');
      await until(() => (publisher.sent > 15 ? true : undefined));
      const pid = outputsPid(server)!;
      await server.stop('SIGKILL');
      publisher.stop();
      expect(isRunning(pid)).toBe(false);
      expect(await documentOf(recordings)).toMatchObject({ channel: 'orphan', code: 'lost' });
    });
    const { id } = await documentOf(recordings);
    await withServer({ RECORD_TO: recordings }, async (server) => {
      const done = await eventOf(server, 'recording.done');
      expect(done).toMatchObject({ recording: id, channel: 'orphan', reason: 'The node ended without a word' });
    });
  });
});

test('WORKERS=2: one program has the streams of all workers', async () => {
  const recordings = newFolder();
  await withServer({ RECORD_TO: recordings, WORKERS: '2', DRAIN_SECONDS: '20' }, async (server) => {
    const publishers = await Promise.all([1, 2, 3, 4].map((number) => livePublisher(server, `workers-${number}`)));
    await until(() => (publishers.every(({ sent }) => sent > 15) ? true : undefined));
    const streams = await until(async () => {
      const response = await fetch(server.httpUrl('/api/v1/streams'));
      const page = (await response.json()) as { streams: { outputs: { id: string }[] }[] };
      return page.streams.length === 4 && page.streams.every(({ outputs }) => outputs.length === 1) ? page : undefined;
    });
    expect(streams.streams[0]!.outputs[0]!.id).toBe('record-flv');
    publishers[0]!.stop();
    await eventOf(server, 'recording.done', ({ channel }) => channel === 'workers-1');
    expect(await server.stop()).toBe(0);
    for (const publisher of publishers) publisher.stop();
    const documents = filesBelow(recordings, '.json').map((path) => JSON.parse(readFileSync(path, 'utf8')) as object);
    expect(documents).toHaveLength(4);
    for (const document of documents) expect(document).toMatchObject({ state: 'done' });
  });
});

test('WORKERS=2: a publisher that returns to another worker continues the same outputs', async () => {
  const recordings = newFolder();
  const settings = { WORKERS: '2', RECONNECT_GRACE_SECONDS: '60', OPERATOR_TOKEN: TOKEN, FORWARD_ALLOW: '127.0.0.1' };
  await withServer({ ...settings, RECORD_TO: recordings }, async (server) => {
    const publisher = await livePublisher(server, 'moving');
    const accepted = (): string[] =>
      [...server.log.matchAll(/publish accepted worker=(\d+) channel=moving /g)].map(([, worker]) => worker!);
    const outputs = async (): Promise<string[]> => {
      const { streams } = (await (await fetch(server.httpUrl('/api/v1/streams'))).json()) as {
        streams: { outputs: { id: string }[] }[];
      };
      return streams.flatMap((stream) => stream.outputs.map(({ id }) => id));
    };
    await until(async () => ((await outputs()).length === 1 ? true : undefined));
    // Nobody answers there: the forward waits.
    const url = `rtmp://127.0.0.1:${await freePort()}/copy/key`;
    const response = await fetch(server.httpUrl('/api/v1/streams/moving/forward'), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ url }),
    });
    expect([response.status, await response.text()]).toEqual([200, expect.stringMatching(/added: forward-[0-9a-f]+/)]);
    await until(() => filesBelow(recordings, '.flv')[0]);
    const atLoss = publisher.sent;
    for (let times = 1; times < 10 && new Set(accepted()).size < 2; times += 1) {
      await publisher.lose();
      await server.waitForLog(new RegExp(`(?:channel held.*channel=moving [^]*){${times}}`));
      await publisher.comeBack();
      await until(() => (accepted().length > times ? true : undefined));
    }
    expect(new Set(accepted()).size).toBe(2);
    const before = publisher.sent;
    await until(() => (publisher.sent > before + 25 ? true : undefined));
    expect(await until(async () => ((await outputs()).length > 0 ? outputs() : undefined))).toEqual([
      'record-flv',
      expect.stringMatching(/^forward-/),
    ]);
    const last = publisher.sent - 10;
    publisher.stop();
    const done = await eventOf(server, 'recording.done');
    const media = Buffer.concat(done.files.map(({ place }) => readFileSync(place)));
    const frames = [...media.toString('latin1').matchAll(/moving frame (\d+);/g)].map(([, number]) => Number(number));
    // Of the first worker, and of the last one.
    expect([frames[0]! < atLoss, frames.includes(last), frames]).toEqual([true, true, expect.anything()]);
    expect(await server.stop()).toBe(0);
    expect(filesBelow(recordings, '.json')).toHaveLength(1);
  });
});

describe('OUTPUTS=SIDECAR', () => {
  test('a program that is started by itself has the streams, also those that began before it', async () => {
    const recordings = newFolder();
    const port = String(await freePort());
    await withServer({ OUTPUTS: 'SIDECAR', OUTPUTS_TOKEN: TOKEN, OUTPUTS_PORT: port }, async (server) => {
      expect(outputsPid(server)).toBeUndefined();
      const publisher = await livePublisher(server, 'beside');
      const env = { PATH: process.env['PATH'], OUTPUTS: 'SIDECAR', OUTPUTS_PORT: port, RECORD_TO: recordings };
      const sidecar = new Program(process.execPath, [OUTPUTS_BUNDLE], {
        env: { ...env, OUTPUTS_TOKEN: TOKEN, DRAIN_SECONDS: '10' },
        cwd: folder,
      });
      const stranger = new Program(process.execPath, [OUTPUTS_BUNDLE], {
        env: { ...env, OUTPUTS_TOKEN: 'another-token-of-the-tests' },
        cwd: folder,
      });
      await stranger.waitForOutput(/no link to the node/);
      await server.waitForLog(/a program without the right token/);
      await until(() => filesBelow(recordings, '.flv')[0]);
      const before = publisher.sent;
      await until(() => (publisher.sent > before + 15 ? true : undefined));
      expect(stranger.output).not.toContain('linked');
      stranger.signal('SIGKILL');
      // As a task ends on ECS: both containers get the signal at the same time.
      sidecar.signal('SIGTERM');
      expect(await server.stop()).toBe(0);
      publisher.stop();
      expect((await sidecar.exited).code).toBe(0);
      expect(await documentOf(recordings)).toMatchObject({ channel: 'beside', code: 'shutdown' });
    });
  });

  const sidecarOf = (port: string, recordings: string): Program =>
    new Program(process.execPath, [OUTPUTS_BUNDLE], {
      env: {
        ...{ PATH: process.env['PATH'], OUTPUTS: 'SIDECAR', OUTPUTS_PORT: port, OUTPUTS_TOKEN: TOKEN },
        ...{ RECORD_TO: recordings, DRAIN_SECONDS: '40' },
      },
      cwd: folder,
    });

  test('the program is started again within its container, however soon it ended', async () => {
    const recordings = newFolder();
    const port = String(await freePort());
    await withServer({ OUTPUTS: 'SIDECAR', OUTPUTS_TOKEN: TOKEN, OUTPUTS_PORT: port }, async (server) => {
      const sidecar = sidecarOf(port, recordings);
      await sidecar.waitForOutput(/linked to the node/);
      const [program] = childrenOf(sidecar.child.pid!);
      process.kill(program!, 'SIGKILL');
      await eventOf(server, 'outputs.down');
      await sidecar.waitForOutput(/it is started again/);
      await eventOf(server, 'outputs.up');
      const publisher = await livePublisher(server, 'again');
      await until(() => filesBelow(recordings, '.flv')[0]);
      publisher.stop();
      await eventOf(server, 'recording.done');
      // Whoever kills the container's first process leaves no second one.
      const [second] = childrenOf(sidecar.child.pid!);
      sidecar.signal('SIGKILL');
      await until(() => (isRunning(second!) ? undefined : true));
    });
  });

  test('told to end, it stays until the node has ended, and then ends as well', async () => {
    const recordings = newFolder();
    const port = String(await freePort());
    await withServer({ OUTPUTS: 'SIDECAR', OUTPUTS_TOKEN: TOKEN, OUTPUTS_PORT: port }, async (server) => {
      const sidecar = sidecarOf(port, recordings);
      await sidecar.waitForOutput(/linked to the node/);
      sidecar.signal('SIGTERM');
      await sidecar.waitForOutput(/SIGTERM: completing outputs/);
      // A stream that comes at this moment is recorded.
      const publisher = await livePublisher(server, 'last');
      await until(() => filesBelow(recordings, '.flv')[0]);
      expect(await server.stop()).toBe(0);
      publisher.stop();
      expect((await sidecar.exited).code).toBe(0);
      expect(await documentOf(recordings)).toMatchObject({ channel: 'last', code: 'shutdown' });
      expect(server.log).not.toContain('rtmp-outputs is lost');
    });
  });

  test('a program that is started by itself outlives its node, and serves the next one', async () => {
    const recordings = newFolder();
    const settings = { OUTPUTS: 'SIDECAR', OUTPUTS_TOKEN: TOKEN, OUTPUTS_PORT: String(await freePort()) };
    const env = { PATH: process.env['PATH'], ...settings, RECORD_TO: recordings };
    const sidecar = new Program(process.execPath, [OUTPUTS_BUNDLE], { env, cwd: folder });
    for (const channel of ['first', 'second']) {
      await withServer(settings, async (server) => {
        const publisher = await livePublisher(server, channel);
        await until(() => filesBelow(join(recordings, channel), '.flv')[0]);
        await until(() => (publisher.sent > 15 ? true : undefined));
        expect(await server.stop()).toBe(0);
        publisher.stop();
        expect(await documentOf(join(recordings, channel))).toMatchObject({ channel, code: 'shutdown' });
      });
    }
    sidecar.signal('SIGTERM');
    expect((await sidecar.exited).code).toBe(0);
  });

  test('the link takes nobody without the token, and nothing that is no WebSocket', async () => {
    const port = await freePort();
    await withServer({ OUTPUTS: 'SIDECAR', OUTPUTS_TOKEN: TOKEN, OUTPUTS_PORT: String(port) }, async () => {
      const url = `http://127.0.0.1:${port}/outputs`;
      expect((await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(426);
      for (const authorization of ['', 'Bearer ', `Bearer ${TOKEN}x`, `Basic ${TOKEN}`]) {
        const socket = new WebSocket(url.replace('http', 'ws'), { headers: { authorization } });
        const refused = await new Promise<string>((resolve) => {
          socket.once('error', (error) => resolve(error.message));
          socket.once('open', () => resolve('open'));
        });
        expect(refused).toContain('401');
      }
      // It is not on other interfaces.
      const open = await new Promise<boolean>((resolve) => {
        const socket = connect({ host: '127.0.0.2', port });
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      });
      expect(open).toBe(false);
    });
  });
});

test('what a publisher sends is recorded bit for bit', async () => {
  const recordings = newFolder();
  await withServer({ RECORD_TO: recordings }, async (server) => {
    const client = await RtmpClient.publisher({ port: server.rtmpPort, channel: 'exact', key: 'key' });
    const media = avcAacStream('x', 60);
    sendMedia(client, media.slice(0, 10));
    await until(() => filesBelow(recordings, '.flv')[0]);
    sendMedia(client, media.slice(10));
    await client.roundTrip();
    await client.close();
    const done = await eventOf(server, 'recording.done');
    expect(fingerprints(mediaOfFlv(done.files[0]!.place)).sort()).toEqual(fingerprints(media).sort());
  });
});
