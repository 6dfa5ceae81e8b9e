import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { packetsOf, packetsOfFile, playWithFfmpeg, publishWithFfmpeg, sourceFile } from '../support/programs/ffmpeg';
import { Fleet } from '../support/servers/fleet';
import { LivePublisher } from '../support/rtmp/live-publisher';
import { LiveViewer } from '../support/rtmp/live-viewer';

const UNPUBLISH = 'NetStream.Play.UnpublishNotify';
const RECONNECT = 'NetConnection.Connect.ReconnectRequest';

let fleet: Fleet;
let streams = 0;
const started: { close(): void }[] = [];

beforeEach(async () => {
  const environment = { RECONNECT_GRACE_SECONDS: '4', DRAIN_SECONDS: '6' };
  fleet = await Fleet.start({ callbacks: true, environment });
});
afterEach(async () => {
  for (const client of started.splice(0)) client.close();
  await fleet.stop();
});

/** A handler that gives each start a new id, and the requested id to a start that resumes. */
function resumableChannel(): string {
  const channel = fleet.newChannel();
  fleet.journal.answer(channel, ({ claims }) => {
    streams += 1;
    return { headers: { 'stream-id': (claims['resume'] as string | undefined) ?? `stream-${streams}` } };
  });
  return channel;
}

/** Connects to the first node once, and to the second from then on. */
function from(first: number, then: number): () => number {
  let asked = 0;
  return () => fleet.node((asked += 1) === 1 ? first : then).rtmpPort;
}

async function publish(channel: string, port: () => number): Promise<LivePublisher> {
  const publisher = await LivePublisher.start({ channel, port });
  started.push(publisher);
  return publisher;
}

async function watch(channel: string, port: () => number, reconnects = false): Promise<LiveViewer> {
  const viewer = await LiveViewer.start({ channel, port, reconnects });
  started.push(viewer);
  return viewer;
}

describe('a node that is told to end', () => {
  test('hands its publishers over, and viewers see no gap: here, there and on a third node', async () => {
    const channel = resumableChannel();
    const publisher = await publish(channel, from(0, 1));
    const viewers = await Promise.all([0, 1, 2].map((at) => watch(channel, () => fleet.node(at).rtmpPort)));
    const mover = await watch(channel, from(0, 2), true);
    for (const viewer of [...viewers, mover]) await viewer.sees(12);
    fleet.node(0).program.signal('SIGTERM');
    await fleet.node(0).waitForLog(/draining/);
    const seen = publisher.sent + 18;
    for (const viewer of [...viewers, mover]) {
      await viewer.sees(seen);
      expect(viewer.missing).toEqual([]);
      expect(viewer.disorder).toEqual([]);
    }
    expect([publisher.moves, publisher.failures]).toEqual([1, []]);
    expect(fleet.journal.events(channel)).toEqual(['start', 'start']);
    // The client that does not support the reconnect request is served until the end, and told then: not of the stream's.
    const [patient, ...others] = viewers;
    await patient!.hears('NetStream.Play.Failed');
    expect((await fleet.node(0).exited).code).toBe(0);
    for (const viewer of [...viewers, mover]) expect(viewer.codes).not.toContain(UNPUBLISH);
    expect(patient!.codes).not.toContain(RECONNECT);
    expect(mover.codes).toContain(RECONNECT);
    publisher.stop();
    await fleet.journal.next(channel, 'stop');
    for (const viewer of others) await viewer.hears(UNPUBLISH);
  });

  test('ends as soon as it is empty', async () => {
    const channel = resumableChannel();
    const publisher = await publish(channel, from(0, 1));
    const viewer = await watch(channel, from(0, 1), true);
    await viewer.sees(1);
    await fleet.node(0).stop();
    expect(fleet.node(0).log).not.toMatch(/Server is shutting down/);
    await viewer.sees(publisher.sent + 5);
    expect(viewer.missing).toEqual([]);
  });

  test('waits for a publisher that leaves first and comes back elsewhere', async () => {
    const channel = resumableChannel();
    const port = from(0, 1);
    const publisher = await LivePublisher.start({ channel, port, reconnects: false });
    started.push(publisher);
    const viewer = await watch(channel, () => fleet.node(2).rtmpPort);
    await viewer.sees(1);
    const ended = fleet.node(0).stop();
    await fleet.node(0).waitForLog(/draining/);
    await publisher.lose();
    await publisher.comeBack();
    await viewer.sees(publisher.sent + 5);
    expect(await ended).toBe(0);
    expect(viewer.codes).not.toContain(UNPUBLISH);
    expect(viewer.disorder).toEqual([]);
    expect(fleet.journal.events(channel)).toEqual(['start', 'start']);
  });

  test('is not ready, takes nobody new, and tells those who stay to the end why', async () => {
    const channel = resumableChannel();
    const publisher = await fleet.publisher(0, channel);
    const player = await fleet.player(0, channel);
    const ended = fleet.node(0).stop();
    await fleet.node(0).waitForLog(/draining/);
    expect((await fetch(fleet.node(0).httpUrl('/readyz'))).status).toBe(503);
    expect((await fetch(fleet.node(1).httpUrl('/readyz'))).status).toBe(200);
    const refused = fleet.publisher(0, 'another');
    await expect(refused).rejects.toThrow(/NetStream.Publish.BadName.*Server is shutting down/);
    await expect(fleet.player(0, channel)).rejects.toThrow('Server is shutting down');
    const reason = await publisher.waitForStatus('NetStream.Publish.BadName', 8_000);
    expect(reason.description).toBe('Server is shutting down');
    await player.waitForStatus(UNPUBLISH);
    expect(await ended).toBe(0);
    await fleet.journal.next(channel, 'stop');
    expect(publisher.statusCodes).not.toContain(RECONNECT);
  });

  test('does not end ffmpeg players: they get one stream from two ffmpeg publishers', async () => {
    const channel = resumableChannel();
    const file = await sourceFile('h264-aac');
    const players = [1, 2].map((at) => playWithFfmpeg(fleet.node(at).rtmpUrl(channel, 'key')));
    await Promise.all([1, 2].map((at) => fleet.node(at).waitForLog(/\) play channel/)));
    const first = publishWithFfmpeg(file, fleet.node(0).rtmpUrl(channel, 'key'));
    await fleet.serving(0, channel, 2);
    const ended = fleet.node(0).stop();
    await fleet.node(0).waitForLog(/draining/);
    first.signal('SIGKILL');
    await fleet.node(0).waitForLog(/channel held/);
    await publishWithFfmpeg(file, fleet.node(1).rtmpUrl(channel, 'key')).succeeded();
    const source = await packetsOfFile(file);
    for (const player of players) {
      const { video, configurations } = await packetsOf(player);
      const hashes = video.map(({ md5 }) => md5);
      const again = hashes.lastIndexOf(source.video[0]!.md5);
      expect(again).toBeGreaterThan(0);
      expect(hashes.slice(0, again)).toEqual(source.video.slice(0, again).map(({ md5 }) => md5));
      expect(hashes.slice(again)).toEqual(source.video.map(({ md5 }) => md5));
      expect(configurations).toEqual(source.configurations);
      const steps = video.slice(1).map(({ dts }, i) => dts - video[i]!.dts);
      expect(Math.min(...steps)).toBeGreaterThan(0);
      expect(Math.max(...steps)).toBeLessThan(200);
    }
    expect(await ended).toBe(0);
  });
});

test('drain>NODE_ID empties the node it names and leaves the others alone', async () => {
  const channel = resumableChannel();
  const publisher = await publish(channel, from(0, 2));
  const viewer = await watch(channel, () => fleet.node(1).rtmpPort);
  await viewer.sees(1);
  await fleet.redis.publish('rtmp_commands', `drain>${fleet.nodeId(0)}`);
  expect((await fleet.node(0).exited).code).toBe(0);
  await viewer.sees(publisher.sent + 5);
  expect(viewer.missing).toEqual([]);
  expect([fleet.node(1), fleet.node(2)].map(({ program }) => program.isRunning)).toEqual([true, true]);
  expect(publisher.failures).toEqual([]);
});
