import { afterEach, expect, jest, test } from '@jest/globals';
import { eventually, openConsole } from '../console/browser';
import { documents, shownCommands } from '../docs/markdown';
import { ffmpeg } from '../support/programs/ffmpeg';
import { Program } from '../support/programs/program';
import { ServerProcess } from '../support/servers/server-process';

jest.setTimeout(180_000);

let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.stop();
});

/** The command of the README's section on browsers that begins like this. */
function documented(start: string): string {
  const all = documents().flatMap((document) => shownCommands(document));
  const found = all.filter((command) => command.startsWith(start));
  expect(found).toHaveLength(1);
  return found[0]!;
}

/** H.264 and AAC, with a keyframe each second, until it is ended. */
function publish(to: ServerProcess): Program {
  const sources = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180', '-re', '-f', 'lavfi', '-i', 'sine'];
  const codecs = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25 -c:a aac'.split(' ');
  return ffmpeg([...sources, ...codecs, '-f', 'flv', to.rtmpUrl('news', 'key')], 170_000);
}

/** The address of the playlist, once the stream is packaged. */
async function playlist(of: ServerProcess): Promise<string> {
  const url = of.httpUrl('/hls/news/index.m3u8?key=key');
  await eventually(
    async () => (await fetch(url)).status,
    (status) => status === 200,
  );
  return url;
}

test('a published stream is shown by a browser, as the README shows', async () => {
  const [setting] = documented('HLS_TO=').split(' ');
  server = await ServerProcess.start({ [setting!.split('=')[0]!]: setting!.split('=')[1], HTTP_PORT: '0' });
  const [program, ...args] = documented('ffmpeg -v warning -re').split(' ');
  const url = args.pop()!.replace('127.0.0.1', `127.0.0.1:${server.rtmpPort}`);
  const publisher = new Program(program!, ['-nostdin', ...args, url], { timeoutMs: 170_000 });
  const address = new URL(/'(.*)'/.exec(documented('chromium '))![1]!);
  const { page } = await openConsole(server.httpUrl(`${address.pathname}${address.search}`));
  await eventually(
    () => page.evaluate<number>(`document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames`),
    (frames) => frames > 25,
  );
  await publisher.kill();
});

test('ffmpeg plays it, with pictures and sound', async () => {
  server = await ServerProcess.start({ HTTP_PORT: '0', HLS_TO: 'memory', HLS_SEGMENT_SECONDS: '1' });
  publish(server);
  const url = await playlist(server);
  const played = ffmpeg(['-i', url, '-t', '3', '-map', '0:v', '-map', '0:a', '-f', 'null', '-'], 120_000);
  await played.succeeded();
  expect(played.output).toBe('');
});

test('with several workers the parent process lets viewers in, and asks the worker for the key', async () => {
  server = await ServerProcess.start({ HTTP_PORT: '0', HLS_TO: 'memory', HLS_SEGMENT_SECONDS: '1', WORKERS: '2' });
  publish(server);
  const url = await playlist(server);
  expect((await fetch(url.replace('key=key', 'key=other'))).status).toBe(401);
  expect((await fetch(url.replace('/news/', '/other/'))).status).toBe(404);
  await ffmpeg(['-i', url, '-t', '2', '-f', 'null', '-'], 120_000).succeeded();
});
