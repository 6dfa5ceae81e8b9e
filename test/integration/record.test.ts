import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documents, shownCommands } from '../docs/markdown';
import { packetsOfFile } from '../support/programs/ffmpeg';
import { Program } from '../support/programs/program';
import { ServerProcess } from '../support/servers/server-process';
import { temporaryDirectory } from '../support/servers/test-certificates';

/** The command of the README's section on recording that begins like this. */
function documented(start: string): string {
  const found = documents()
    .flatMap((document) => shownCommands(document))
    .filter((command) => command.startsWith(start));
  expect(found).toHaveLength(1);
  return found[0]!;
}

test('a published stream is recorded, as the README shows', async () => {
  const { path: directory, ...temporary } = temporaryDirectory();
  const [setting = ''] = documented('RECORD_TO=').split(' ');
  const server = await ServerProcess.start({ RECORD_TO: join(directory, setting.replace('RECORD_TO=', '')) });
  const [program = '', ...publish] = documented('ffmpeg -v error -re ').split(' ');
  const url = publish.pop()!.replace('127.0.0.1', `127.0.0.1:${server.rtmpPort}`);
  await new Program(program, [...publish, url], { timeoutMs: 120_000 }).succeeded();
  await server.waitForLog(/recording done/, 30_000);

  // ffplay needs a screen; the shell finds the same files.
  const files = documented('ffplay recordings/').split(' ')[1]!;
  const listing = new Program('sh', ['-c', `ls ${files}`], { cwd: directory });
  await listing.succeeded();
  const path = join(directory, listing.output.trim());
  const { video } = await packetsOfFile(path);
  const seconds = Number(publish[publish.indexOf('-t') + 1]);
  expect(video).toHaveLength(seconds * 25);
  expect(JSON.parse(readFileSync(`${path}.json`, 'utf8'))).toMatchObject({ state: 'done', channel: 'news' });
  expect(readdirSync(join(path, '..'))).toHaveLength(2);
  await server.stop();
  temporary.remove();
}, 180_000);
