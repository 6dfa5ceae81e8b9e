import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { ffmpeg } from '../support/programs/ffmpeg';
import type { Program } from '../support/programs/program';
import { ServerProcess } from '../support/servers/server-process';
import { seriousFaults } from './accessibility';
import { eventually, openConsole } from './browser';

jest.setTimeout(180_000);

let server: ServerProcess;

beforeEach(async () => {
  server = await ServerProcess.start({ HTTP_PORT: '0', HLS_TO: 'memory', HLS_SEGMENT_SECONDS: '1' });
});
afterEach(async () => {
  await server.stop();
});

/** H.264 and AAC with a keyframe each second, until it is ended. */
function publish(channel: string, size = '320x180'): Program {
  const pictures = ['-re', '-f', 'lavfi', '-i', `testsrc2=size=${size}:rate=25`];
  const tone = ['-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'];
  const codecs = '-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -c:a aac'.split(' ');
  return ffmpeg([...pictures, ...tone, ...codecs, '-f', 'flv', server.rtmpUrl(channel, 'key')], 170_000);
}

interface Playing {
  readonly time: number;
  readonly width: number;
  readonly frames: number;
}

const playing = (page: Page): Promise<Playing> =>
  page.evaluate<Playing>(`(() => {
    const video = document.querySelector('video');
    const { totalVideoFrames: frames } = video.getVideoPlaybackQuality();
    return { time: video.currentTime, width: video.videoWidth, frames };
  })()`);
const words = (page: Page) => page.getByRole('status').textContent();

test('the page waits for a stream, plays it, says how far behind it is, and when it has ended', async () => {
  const { page, faults, foreign } = await openConsole(server.httpUrl('/watch/studio?key=key'));
  await page.getByText('Waiting for the stream to begin').waitFor();
  const publisher = publish('studio');
  await page.getByText('Live', { exact: true }).waitFor();
  const { frames } = await eventually(
    () => playing(page),
    ({ width, time }) => width === 320 && time > 0,
  );
  await eventually(
    () => playing(page),
    (now) => now.frames > frames + 25,
  );
  await page.getByText(/^\d+\.\d s behind the publisher$/).waitFor();
  expect(await page.title()).toBe('studio · live');
  await publisher.kill();
  await page.getByText('The stream has ended').waitFor();

  // Another stream of the channel plays without a reload of the page.
  publish('studio', '480x270');
  await eventually(
    () => playing(page),
    ({ width }) => width === 480,
  );
  await eventually(
    () => words(page),
    (text) => text === 'Live',
  );
  expect([faults, foreign]).toEqual([[], []]);
});

test('without the right key there is a form, and nothing is shown', async () => {
  publish('studio');
  const { page } = await openConsole(server.httpUrl('/watch/studio'));
  await page.getByText('This stream needs a key').waitFor();
  await page.getByLabel('Stream key').fill('another');
  await page.keyboard.press('Enter');
  await page.getByText('Wrong key').waitFor();
  expect((await playing(page)).width).toBe(0);
  await page.getByLabel('Stream key').fill('key');
  await page.getByRole('button', { name: 'Watch' }).click();
  await eventually(
    () => playing(page),
    ({ width }) => width === 320,
  );
  expect(new URL(page.url()).search).toBe('?key=key');
});

test('the page connects again by itself when the program that packages was killed', async () => {
  publish('studio');
  const { page } = await openConsole(server.httpUrl('/watch/studio?key=key'));
  await eventually(
    () => playing(page),
    ({ time, width }) => width === 320 && time > 0,
  );
  process.kill(await programOf(server), 'SIGKILL');
  await server.program.waitForOutput(/rtmp-outputs ended, it is started again/);
  const { frames } = await playing(page);
  await eventually(
    async () => [await words(page), (await playing(page)).frames] as const,
    ([text, count]) => text === 'Live' && count > frames + 50,
  );
});

test.each(['light', 'dark'] as const)('no serious fault of accessibility, %s', async (colorScheme) => {
  const { page } = await openConsole(server.httpUrl('/watch/studio?key=key'), { colorScheme });
  await page.getByText('Waiting for the stream to begin').waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  publish('studio');
  await page.getByText('Live', { exact: true }).waitFor();
  expect(await seriousFaults(page)).toEqual([]);
  await page.goto(server.httpUrl('/watch/studio?key=another'));
  await page.getByText('Wrong key').waitFor();
  expect(await seriousFaults(page)).toEqual([]);
});

/** The process id of `rtmp-outputs`, the only child of the server. */
async function programOf({ program }: ServerProcess): Promise<number> {
  const { pid } = program.child;
  const { readFile } = await import('node:fs/promises');
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')[0]);
}
