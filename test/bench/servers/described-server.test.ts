import { afterEach, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LatencyHistogram } from '../load/latency-histogram';
import { monotonicMs } from '../load/monotonic-clock';
import { Player } from '../load/player';
import { encodeMedia, Publisher } from '../load/publisher';
import { Tally } from '../load/tally';
import { addressOf } from '../wire/stream-address';
import { describedServer } from './described-server';
import { describedPeers, serverNamed } from './named-server';
import { RunningServer } from './running-server';

const NGINX = 'test/bench/peers/nginx-rtmp.json';
const MESSAGES = 20;
const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'described-server-'));
  cleanUp.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The description of nginx-rtmp with some fields replaced. */
function changed(fields: Record<string, unknown>): string {
  const file = join(newDirectory(), 'peer.json');
  const nginx = JSON.parse(readFileSync(NGINX, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...nginx, ...fields }));
  return file;
}

test('a server that a file describes is started, and streams go through it unchanged', async () => {
  const server = await RunningServer.start(describedServer(NGINX), {
    ...{ cores: [0], transport: 'rtmp', env: {}, profile: undefined },
  });
  cleanUp.push(() => server.stop());
  const fail = (reason: string): never => {
    throw new Error(reason);
  };
  const publisher = new Publisher(3, encodeMedia(4096), new LatencyHistogram());
  await publisher.start(addressOf(server.streams, 3), fail);
  cleanUp.push(() => publisher.stop());
  const tally = new Tally();
  const player = new Player(3, true, tally);
  await player.start(addressOf(server.streams, 3), fail);
  cleanUp.push(() => player.stop());
  while (tally.messages < MESSAGES) {
    publisher.sendDue(monotonicMs());
    await new Promise(setImmediate);
  }
  expect(tally).toMatchObject({ lost: 0, corrupt: 0, duplicates: 0, timestampErrors: 0 });
});

test.each(describedPeers())('%s is described completely', (name) => {
  const server = serverNamed(name);
  expect(server.name).toBe(name);
  const directory = newDirectory();
  const plan = server.prepare({ port: 4711, directory, env: {}, tlsPort: undefined, profile: undefined });
  const configured = [
    plan.command,
    ...plan.args,
    ...readdirSync(directory).map((file) => readFileSync(join(directory, file), 'utf8')),
  ].join('\n');
  expect(configured).toContain('4711');
  expect(configured).not.toMatch(/\{(?:port|directory)\}/);
});

test('a description without a command, or with a field that does not exist, is refused by its name', () => {
  expect(() => describedServer(changed({ command: [] }))).toThrow(/command/);
  expect(() => describedServer(changed({ comand: ['nginx'] }))).toThrow(/comand/);
  expect(() => describedServer(changed({ stream: 'rtmp://127.0.0.1:{port}/live' }))).toThrow(/stream/);
});

test('a server that is not installed is said to be missing', () => {
  const file = changed({ name: 'other', version: ['no-such-program', '-v'] });
  expect(() => describedServer(file).version()).toThrow(/other is not installed/);
});
