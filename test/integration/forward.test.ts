import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import { documents, shownCommands } from '../docs/markdown';
import { ffmpeg } from '../support/programs/ffmpeg';
import { Program } from '../support/programs/program';
import { freePort } from '../support/servers/redis-server';
import { ServerProcess } from '../support/servers/server-process';
import { temporaryDirectory } from '../support/servers/test-certificates';

/** The command of the README's section on forwards that begins like this. */
function documented(start: string): string {
  const all = documents().flatMap((document) => shownCommands(document));
  const found = all.filter((command) => command.startsWith(start));
  expect(found).toHaveLength(1);
  return found[0]!;
}

test('a published stream arrives at a second server, as the README shows', async () => {
  const port = await freePort();
  const { path: directory, ...temporary } = temporaryDirectory();
  // ffplay needs a screen; ffmpeg listens with the same option.
  const [, ...listen] = documented('ffplay -listen 1 ').split(' ');
  const copy = join(directory, 'copy.flv');
  const here = (text: string): string => text.replace(':1936/', `:${port}/`);
  const target = ffmpeg([...listen.slice(0, 2), '-i', here(listen[2]!), '-t', '3', '-c', 'copy', copy], 120_000);

  const settings = documented('FORWARD_URLS=').split(' ').slice(0, -2).map(here);
  const environment: Record<string, string> = {};
  for (const setting of settings) environment[setting.replace(/=.*/, '')] = setting.replace(/^[^=]*=/, '');
  const server = await ServerProcess.start(environment);
  const [program, ...publish] = documented('ffmpeg -re -f lavfi').split(' ');
  const url = publish.pop()!.replace('127.0.0.1', `127.0.0.1:${server.rtmpPort}`);
  const publisher = new Program(program!, [...publish, url], { timeoutMs: 120_000 });

  expect((await target.exited).code).toBe(0);
  const probe = new Program('ffprobe', ['-v', 'error', '-show_entries', 'stream=codec_name', copy]);
  await probe.succeeded();
  expect(probe.output).toContain('h264');
  await server.waitForLog(/forward live/);
  expect(server.log).toContain(`rtmp://127.0.0.1:${port}/copy`);
  expect(server.log).not.toContain(`${port}/copy/key`);
  await publisher.kill();
  await server.stop();
  temporary.remove();
});
