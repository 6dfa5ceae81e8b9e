import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { ffmpeg } from '../support/programs/ffmpeg';
import type { Program } from '../support/programs/program';
import { ServerProcess } from '../support/servers/server-process';
import { eventually, openConsole } from './browser';

jest.setTimeout(180_000);

const OPERATOR_TOKEN = 'an-operator-token-of-a-test';

let server: ServerProcess;
let publisher: Program;

beforeEach(async () => {
  server = await ServerProcess.start({ HTTP_PORT: '0', OPERATOR_TOKEN });
  publisher = publish('studio');
});
afterEach(async () => {
  await publisher.kill();
  await server.stop();
});

/** Red on the left and blue on the right, with a tone, until it is ended. */
function publish(channel: string): Program {
  const halves = ['red', 'blue'].flatMap((colour) => ['-f', 'lavfi', '-i', `color=${colour}:size=160x180:rate=25`]);
  const codecs = '-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -c:a aac'.split(' ');
  return ffmpeg(
    [
      ...['-re', ...halves, '-re', '-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'],
      ...['-filter_complex', '[0][1]hstack', ...codecs, '-f', 'flv', server.rtmpUrl(channel, 'key')],
    ],
    170_000,
  );
}

/** Red, green and blue at a place of the picture, 0 to 1 from the left. */
const pixel = (page: Page, place: number): Promise<number[]> =>
  page.evaluate<number[]>(`(() => {
    const canvas = document.querySelector('.preview canvas');
    const [x, y] = [Math.floor(canvas.width * ${place}), Math.floor(canvas.height / 2)];
    return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data];
  })()`);

async function signIn(page: Page): Promise<void> {
  await page.getByLabel('Operator token').fill(OPERATOR_TOKEN);
  await page.keyboard.press('Enter');
}

test("a publisher appears as a row; its page has moving charts, and a picture in the stream's colours", async () => {
  const { page, faults, foreign } = await openConsole(server.httpUrl('/'));
  await page.getByRole('link', { name: 'studio' }).waitFor();
  const row = page.getByRole('row', { name: 'studio' });
  await eventually(
    async () => (await row.textContent()) ?? '',
    (text) => text.includes('320×180') && text.includes('H.264 + AAC') && text.includes('127.0.0.1'),
  );
  const spark = () => row.locator('.sparkline path').last().getAttribute('d');
  const before = await spark();
  await eventually(spark, (path) => path !== before && path !== '');

  await page.getByRole('link', { name: 'studio' }).click();
  const captions = new Set<string | null>();
  await eventually(
    async () => captions.add(await page.locator('.chart figcaption').first().textContent()),
    ({ size }) => size >= 3,
  );
  await page.locator('.preview canvas:not([hidden])').waitFor();
  const [leftRed = 0, , leftBlue = 0] = await pixel(page, 0.25);
  const [rightRed = 0, , rightBlue = 0] = await pixel(page, 0.75);
  expect(leftRed).toBeGreaterThan(200);
  expect(leftBlue).toBeLessThan(60);
  expect(rightBlue).toBeGreaterThan(200);
  expect(rightRed).toBeLessThan(60);
  await page.getByText('Publish accepted').waitFor();
  expect([faults, foreign]).toEqual([[], []]);
});

test('the preview plays without a key, which other players need, and ends with the stream', async () => {
  const { page, faults, foreign } = await openConsole(server.httpUrl('/#/streams/studio'));
  const loaded: string[] = [];
  page.on('request', (request) => loaded.push(request.url()));
  const watch = page.getByRole('button', { name: 'Watch preview' });
  await watch.waitFor();
  await page.locator('.preview canvas:not([hidden])').waitFor();
  expect(loaded.filter((url) => url.includes('mpegts'))).toEqual([]);
  await watch.click();
  const playing = () =>
    page.evaluate<[number, number]>(`(() => {
    const { currentTime = 0, videoWidth = 0 } = document.querySelector('.preview video') ?? {};
    return [currentTime, videoWidth];
  })()`);
  const [began] = await eventually(playing, ([time, width]) => time > 0 && width === 320);
  await eventually(playing, ([time]) => time > began + 1);
  expect(loaded.some((url) => url.includes('mpegts'))).toBe(true);
  const refused = await fetch(server.httpUrl('/live/studio/another-key.flv'));
  expect(refused.status).toBe(401);
  await refused.body?.cancel();

  await publisher.kill();
  await page.getByText(/^Ended after/).waitFor();
  expect([faults, foreign]).toEqual([[], []]);
});

test('a wrong token ends nothing; with the right one, ending the stream ends ffmpeg', async () => {
  const { page, faults } = await openConsole(server.httpUrl('/#/streams/studio'));
  await page.getByRole('button', { name: 'End stream' }).click();
  await page.getByLabel('Operator token').fill('this-is-not-the-operator-token');
  await page.keyboard.press('Enter');
  await page.locator('.fault:not(:empty)').waitFor();
  expect(await page.getByRole('dialog', { name: 'End studio?' }).count()).toBe(0);
  expect(await page.getByRole('button', { name: 'Sign in', exact: true }).first().isVisible()).toBe(true);

  await signIn(page);
  const dialog = page.getByRole('dialog', { name: 'End studio?' });
  await dialog.getByRole('button', { name: 'End stream' }).click();
  await dialog.locator('.outcome-good').waitFor();
  await publisher.exited;
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByText(/^Ended after/).waitFor();
  expect(faults).toEqual([]);
});

test('a blocked channel refuses its publisher, and says why, until it is unblocked', async () => {
  const { page } = await openConsole(server.httpUrl('/#/streams/studio'));
  await page.getByRole('button', { name: 'End and block' }).click();
  await signIn(page);
  const block = page.getByRole('dialog', { name: 'Block studio?' });
  await block.getByRole('button', { name: 'Block channel' }).click();
  await block.locator('.outcome-good').waitFor();
  await publisher.exited;
  await block.getByRole('button', { name: 'Close' }).click();

  const kept = publish('studio');
  await kept.exited;
  await page.getByText('Publish refused').first().waitFor();
  await page.getByRole('heading', { name: 'Blocked', level: 2 }).waitFor();

  await page.getByRole('button', { name: 'Unblock' }).click();
  const unblock = page.getByRole('dialog', { name: 'Unblock studio?' });
  await unblock.getByRole('button', { name: 'Unblock channel' }).click();
  await unblock.locator('.outcome-good').waitFor();
  await unblock.getByRole('button', { name: 'Close' }).click();
  publisher = publish('studio');
  await page.getByRole('button', { name: 'End stream' }).waitFor();
});
