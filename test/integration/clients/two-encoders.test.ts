import { afterEach, expect, test } from '@jest/globals';
import { ffmpeg, sourceFile } from '../../support/programs/ffmpeg';
import type { Program } from '../../support/programs/program';
import { ServerOfFile } from '../../support/servers/server-of-file';

const server = ServerOfFile.start({ PUBLISHER_TAKEOVER: 'YES' });

const running = new Set<Program>();
let isOver = false;
afterEach(() => {
  isOver = true;
  for (const program of running) program.signal('SIGKILL');
});

/** Publishes without an end, and at once again whenever that fails, as encoders in a retry loop do. */
async function publishAgainAndAgain(file: string, channel: string): Promise<void> {
  while (!isOver) {
    const url = server.process.rtmpUrl(channel, 'key');
    const program = ffmpeg(['-re', '-stream_loop', '-1', '-i', file, '-c', 'copy', '-f', 'flv', url]);
    running.add(program);
    await program.exited;
    running.delete(program);
  }
}

test('two ffmpeg with one key do not displace each other again and again', async () => {
  const channel = server.newChannel();
  const file = await sourceFile('h264-aac');
  const accepted = `publish accepted channel=${channel}`;
  const loops = [publishAgainAndAgain(file, channel)];
  await server.process.waitForLog(new RegExp(accepted));
  loops.push(publishAgainAndAgain(file, channel));
  const refused = `closed .*Stream already publishing`;
  await server.process.waitForLog(new RegExp(`(?:${refused}[^]*){8}`));
  expect(server.process.log.match(new RegExp(accepted, 'g'))).toHaveLength(2);
  isOver = true;
  for (const program of running) program.signal('SIGKILL');
  await Promise.all(loops);
});
