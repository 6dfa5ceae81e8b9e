import { afterAll, afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mediaOfFlv } from '../support/rtmp/flv-file';
import { LivePublisher } from '../support/rtmp/live-publisher';
import { Fleet } from '../support/servers/fleet';
import { eventOf, filesBelow, outputsPid, until } from '../support/servers/outputs-process';

const folder = mkdtempSync(join(tmpdir(), 'rtmp-fleet-outputs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let fleet: Fleet;
let publisher: LivePublisher | undefined;

beforeEach(async () => {
  const environment = { RECONNECT_GRACE_SECONDS: '20', DRAIN_SECONDS: '20', RECORD_TO: folder };
  fleet = await Fleet.start({ callbacks: true, nodes: 2, environment });
});
afterEach(async () => {
  publisher?.close();
  await fleet.stop();
});

/** Numbers of the frames in these files, in their order. */
function framesIn(files: readonly string[]): number[] {
  return files
    .flatMap((path) => mediaOfFlv(path))
    .flatMap(({ payload }) => /frame (\d+);/.exec(payload.toString('latin1'))?.slice(1) ?? [])
    .map(Number);
}

test('a stream that moves to another node is recorded there, and the node that it leaves ends', async () => {
  const channel = fleet.newChannel();
  fleet.journal.answer(channel, ({ claims }) => ({
    headers: { 'stream-id': (claims['resume'] as string | undefined) ?? 'stream-1' },
  }));
  let asked = 0;
  // It publishes on the other node up to two seconds before its next keyframe, and sends on to the first node until then.
  const port = (): number => fleet.node((asked += 1) === 1 ? 0 : 1).rtmpPort;
  publisher = await LivePublisher.start({ channel, port, gop: 25 });
  const moving = publisher;
  await until(() => filesBelow(join(folder, channel), '.flv')[0]);
  await until(() => (moving.sent > 27 ? true : undefined));
  // Only the node of the publisher follows it.
  expect(outputsPid(fleet.node(1))).toBeDefined();
  expect(fleet.node(1).log).not.toContain(`play channel=${channel}`);
  const first = fleet.node(0);
  first.program.signal('SIGTERM');
  await until(() => (moving.moves === 1 ? true : undefined));
  const before = moving.sent;
  expect((await first.exited).code).toBe(0);
  expect(first.log).toMatch(/recording done: The stream continues on another node/);
  await until(() => (moving.sent > before + 20 ? true : undefined));
  moving.stop();
  const done = await eventOf(fleet.node(1), 'recording.done');
  expect(done).toMatchObject({ channel, streamId: 'stream-1' });
  const files = filesBelow(join(folder, channel), '.flv');
  expect(files).toHaveLength(2);
  // What the two recordings have together is all of the stream.
  const frames = new Set(framesIn(files));
  const missing = Array.from({ length: before }, (_, number) => number).filter((number) => !frames.has(number));
  expect(missing).toEqual([]);
});
