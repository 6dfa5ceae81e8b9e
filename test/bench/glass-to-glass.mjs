// How far behind a viewer's picture is: node test/bench/glass-to-glass.mjs [SEGMENT_SECONDS]
// A program draws the time into each picture, as bars; ffmpeg publishes it to a server of this repository, and Chromium
// plays /watch/CHANNEL. What the bars on its screen say is compared with the clock. One line for HLS, one for low latency.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const WIDTH = 320;
const HEIGHT = 176;
const RATE = 25;
const BITS = 20; // tenths of a second of a clock that wraps after a day
const BAR = WIDTH / BITS;
const SAMPLES = 40;
const segmentSeconds = Number(process.argv[2] ?? 2);
const server = fileURLToPath(new URL('../../.build/rtmp-server.cjs', import.meta.url));
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-dev-shm-usage'],
});

for (const lowLatency of ['NO', 'YES']) {
  const env = { PATH: process.env.PATH, RTMP_PORT: '0', BIND_ADDRESS: '127.0.0.1', HTTP_PORT: '0', HLS_TO: 'memory' };
  const node = spawn(process.execPath, [server], {
    env: { ...env, HLS_LOW_LATENCY: lowLatency, HLS_SEGMENT_SECONDS: String(segmentSeconds), DRAIN_SECONDS: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  const ports = new Promise((resolve) => {
    node.stdout.on('data', (bytes) => {
      said += bytes;
      const [, http] = /HTTP listening on \S+:(\d+)/.exec(said) ?? [];
      const [, rtmp] = /RTMP listening on \S+:(\d+)/.exec(said) ?? [];
      if (http !== undefined && rtmp !== undefined) resolve({ http, rtmp });
    });
  });
  const { http, rtmp } = await ports;
  const ffmpeg = spawn(
    'ffmpeg',
    [
      ...`-hide_banner -loglevel error -f rawvideo -pix_fmt gray -s ${WIDTH}x${HEIGHT} -r ${RATE} -i -`.split(' '),
      ...`-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g ${RATE * segmentSeconds}`.split(' '),
      ...['-f', 'flv', `rtmp://127.0.0.1:${rtmp}/clock/key`],
    ],
    { stdio: ['pipe', 'inherit', 'inherit'] },
  );
  ffmpeg.stdin.on('error', () => undefined);
  const startedAt = performance.now();
  let drawn = 0;
  const painter = setInterval(() => {
    while (drawn < ((performance.now() - startedAt) * RATE) / 1000) {
      drawn += 1;
      ffmpeg.stdin.write(picture(Date.now()));
    }
  }, 5);
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${http}/watch/clock?key=key`);
  await page.getByText('Live', { exact: true }).waitFor({ timeout: 60_000 });
  await page.waitForTimeout(8_000 + 4_000 * segmentSeconds);
  const behind = [];
  for (let i = 0; i < SAMPLES; i += 1) {
    behind.push(await page.evaluate(readClock, { bits: BITS, bar: BAR, height: HEIGHT }));
    await page.waitForTimeout(250);
  }
  const shown = await page.locator('.line').textContent();
  behind.sort((a, b) => a - b);
  const of = (share) => (behind[Math.floor(share * (SAMPLES - 1))] / 1000).toFixed(1);
  const ratio = (behind[SAMPLES >> 1] / 1000 / segmentSeconds).toFixed(1);
  const name = lowLatency === 'YES' ? 'low latency' : 'HLS';
  console.log(
    `${name}: median ${of(0.5)} s, ${of(0)} to ${of(1)} s; ${ratio} segments of ${segmentSeconds} s (${shown})`,
  );
  clearInterval(painter);
  await page.close();
  ffmpeg.kill('SIGKILL');
  node.kill();
  await once(node, 'exit');
}
await browser.close();

/** Bars, white for 1: the tenths of a second of the day. */
function picture(now) {
  const tenths = Math.floor(now / 100) % 864_000;
  const row = Buffer.alloc(WIDTH);
  for (let bit = 0; bit < BITS; bit += 1) row.fill((tenths >> bit) & 1 ? 235 : 16, bit * BAR, (bit + 1) * BAR);
  return Buffer.concat(Array.from({ length: HEIGHT }, () => row));
}

/** Runs in the browser: how old the picture is (ms). */
function readClock({ bits, bar, height }) {
  const video = document.querySelector('video');
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  const now = Date.now();
  let tenths = 0;
  for (let bit = 0; bit < bits; bit += 1) {
    const [grey] = context.getImageData(Math.floor((bit + 0.5) * bar), height / 2, 1, 1).data;
    if (grey > 125) tenths += 2 ** bit;
  }
  return ((Math.floor(now / 100) - tenths + 864_000) % 864_000) * 100;
}
