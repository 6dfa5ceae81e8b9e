import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { HlsChannels } from '../../../../service/outputs/hls/hls-channel';
import { HlsServer } from '../../../../service/outputs/hls/hls-server';
import { headers, HlsRig, media } from './hls-rig';

let channels: HlsChannels;
let server: HlsServer;
let base: string;

beforeEach(async () => {
  channels = new HlsChannels();
  server = new HlsServer(channels, () => 'token');
  base = `http://127.0.0.1:${await server.listen()}/hls`;
});
afterEach(async () => {
  channels.close();
  await server.close();
});

const get = (path: string, token = 'token') =>
  fetch(`${base}/${path}`, { headers: { authorization: `Bearer ${token}` } });
const rigOf = (partMs = 0) => new HlsRig({ partMs, channel: channels.open('news') });

test('playlists and segments, with their types and how long they may be kept', async () => {
  const rig = rigOf();
  rig.write([...headers(), ...media(0, 5)]);
  const multivariant = await get('news/index.m3u8');
  expect([multivariant.status, multivariant.headers.get('content-type')]).toEqual([
    200,
    'application/vnd.apple.mpegurl',
  ]);
  const playlist = await get('news/live.m3u8');
  expect(playlist.headers.get('cache-control')).toBe('no-cache');
  expect(await playlist.text()).toBe(rig.channel.playlist);
  const { uri, map } = rig.parsed.segments[0]!;
  const segment = await get(`news/${uri}`);
  expect(segment.headers.get('content-type')).toBe('video/iso.segment');
  expect(segment.headers.get('cache-control')).toMatch(/immutable/);
  expect(Buffer.from(await segment.arrayBuffer()).equals(rig.channel.file(uri)!)).toBe(true);
  expect((await get(`news/${map.uri}`)).headers.get('content-type')).toBe('video/mp4');
});

test.each([
  ['news/live.m3u8', 'other', 401],
  ['other/index.m3u8', 'token', 404],
  ['news/..%2f..%2fetc%2fpasswd', 'token', 404],
  ['news/nothing.m4s', 'token', 404],
  ['news/live.m3u8?_HLS_msn=x', 'token', 400],
  ['news/live.m3u8?_HLS_part=1', 'token', 400],
  ['news/live.m3u8?_HLS_msn=99', 'token', 400],
])('%s with the token "%s" is answered %d', async (path, token, status) => {
  rigOf().write([...headers(), ...media(0, 5)]);
  const answer = await get(path, token);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
});

test('the first playlist is waited for', async () => {
  const rig = rigOf();
  const asked = get('news/index.m3u8');
  await waiting(rig);
  rig.write([...headers(), ...media(0, 3)]);
  expect((await asked).status).toBe(200);
});

test('a blocking reload is answered with the part that it asks for', async () => {
  const rig = rigOf(500);
  rig.write([...headers(), ...media(0, 3)]);
  const { next, parts } = rig.channel.position;
  const reload = get(`news/live.m3u8?_HLS_msn=${next}&_HLS_part=${parts}`);
  const segment = get(`news/live.m3u8?_HLS_msn=${next}`);
  await waiting(rig, 2);
  rig.write(media(3_000, 1).slice(0, 60));
  const text = await (await reload).text();
  expect(text).toContain(`-${next}.${parts}.m4s",INDEPENDENT=YES`.replace(',INDEPENDENT=YES', ''));
  expect(text).not.toContain(`-${next}.m4s`);
  rig.write(media(4_000, 2));
  expect(await (await segment).text()).toContain(`-${next}.m4s`);
  // What is there already is answered at once.
  expect((await get(`news/live.m3u8?_HLS_msn=${next}&_HLS_part=0`)).status).toBe(200);
});

test('a part behind the last one of a segment is the first one of the next', async () => {
  const rig = rigOf(500);
  rig.write([...headers(), ...media(0, 5)]);
  // The segment is complete, and of the next one there is no part yet.
  rig.write(media(5_000, 2).filter(({ timestamp }) => timestamp <= 6_000));
  const { next, parts, lastParts } = rig.channel.position;
  expect([parts, lastParts > 0]).toEqual([0, true]);
  const reload = get(`news/live.m3u8?_HLS_msn=${next - 1}&_HLS_part=${lastParts}`);
  expect((await get(`news/live.m3u8?_HLS_msn=${next + 2}`)).status).toBe(400);
  await waiting(rig);
  rig.write(media(6_040, 1));
  expect(await (await reload).text()).toContain(`-${next}.0.m4s`);
});

test('the announced part is waited for', async () => {
  const rig = rigOf(500);
  rig.write([...headers(), ...media(0, 3)]);
  const name = rig.channel.nextPart;
  const asked = get(`news/${name}`);
  await waiting(rig);
  rig.write(media(3_000, 1));
  expect((await asked).status).toBe(200);
  expect((await get(`news/${name.replace(/\.\d+\./, '.99.')}`)).status).toBe(404);
});

test('the end of a stream answers everybody who waits', async () => {
  const rig = rigOf(500);
  rig.write([...headers(), ...media(0, 3)]);
  const asked = get(`news/live.m3u8?_HLS_msn=${rig.channel.position.next + 1}`);
  await waiting(rig);
  await rig.end();
  expect(await (await asked).text()).toContain('#EXT-X-ENDLIST');
});

/** Until so many requests wait at the channel. */
async function waiting(rig: HlsRig, count = 1): Promise<void> {
  while (rig.channel.waiting < count) await new Promise((resolve) => setImmediate(resolve));
}
