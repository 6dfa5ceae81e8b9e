import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { sourceFile } from '../support/programs/ffmpeg';
import { ensureBundle } from '../support/servers/server-process';
import { seriousFaults } from './accessibility';
import { eventually, openConsole } from './browser';
import { StandInFleet } from './stand-in-fleet';
import { STAND_IN_TOKEN, StandInServer, type StandInOptions } from './stand-in-server';

jest.setTimeout(180_000);

const HOSTILE = '"><img src=x onerror="document.title=\'stolen\'"><script>document.title="stolen"</script>';

let keyframe: string;
const servers: StandInServer[] = [];

beforeAll(async () => {
  ensureBundle();
  keyframe = await sourceFile('h264');
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function serve(fleet: StandInFleet, options: Partial<StandInOptions> = {}): Promise<StandInServer> {
  const server = await StandInServer.start({ fleet, keyframe, ...options });
  servers.push(server);
  return server;
}

const rows = (page: Page) => page.locator('.streams-body [role=row]');
const channels = (page: Page) => page.locator('.row-link').allTextContents();

test('5,000 streams are a screenful of rows, which searching, sorting and scrolling change', async () => {
  const { url } = await serve(new StandInFleet(5_000), { figuresMs: 2_000 });
  const { page, faults, foreign } = await openConsole(url);
  const grid = page.getByRole('grid', { name: 'Live streams' });
  await grid.waitFor();
  await expect(grid.getAttribute('aria-rowcount')).resolves.toBe('5001');
  await rows(page).first().waitFor();
  expect(await rows(page).count()).toBeLessThan(60);

  await page.getByRole('columnheader', { name: 'Channel' }).getByRole('button').click();
  await eventually(
    () => channels(page),
    ([first]) => first === 'arena-1',
  );
  await page.evaluate("document.querySelector('.streams').scrollTo(0, 1e6)");
  await eventually(
    () => channels(page),
    (shown) => shown.includes('studio-625'),
  );
  expect(await rows(page).count()).toBeLessThan(60);

  await page.keyboard.press('/');
  await page.keyboard.type('cam-1 obs');
  await eventually(
    () => channels(page),
    (shown) => shown.length > 0 && shown.every((channel) => channel.startsWith('cam-1')),
  );
  await page.getByRole('searchbox').fill('no-such-channel');
  await page.getByRole('link', { name: /Why is .no-such-channel. not live/ }).click();
  await page.getByText('Nobody publishes to this channel.').waitFor();
  expect([faults, foreign]).toEqual([[], []]);
});

test('the arrow keys move through the list, and the focus stays on a stream while others come and go', async () => {
  const fleet = new StandInFleet(300);
  const server = await serve(fleet, { figuresMs: 300 });
  const { page } = await openConsole(server.url);
  await page.getByRole('columnheader', { name: 'Channel' }).getByRole('button').click();
  await eventually(
    () => channels(page),
    ([first]) => first === 'arena-1',
  );
  const focused = () => page.locator(':focus').textContent();
  await page.locator('.row-link').first().focus();
  await page.keyboard.press('ArrowDown');
  await eventually(focused, (text) => text === 'arena-2');
  await page.keyboard.press('End');
  await eventually(focused, (text) => text === 'studio-38');
  await page.keyboard.press('Home');
  await eventually(focused, (text) => text === 'arena-1');
  await page.keyboard.press('ArrowDown');
  await eventually(focused, (text) => text === 'arena-2');
  fleet.streams.delete('arena-1');
  await eventually(
    () => channels(page),
    (shown) => !shown.includes('arena-1'),
  );
  expect(await focused()).toBe('arena-2');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'arena-2', level: 1 }).waitFor();
});

test('what encoders and handlers say is text, never part of the page', async () => {
  const fleet = new StandInFleet(3);
  const stream = fleet.streams.get('studio-1')!;
  const issue = { code: 'gap', severity: 'error', sentence: HOSTILE, since: new Date().toISOString() } as const;
  const client = { address: HOSTILE, encoder: HOSTILE };
  const health = { state: 'bad' as const, issues: [issue] };
  fleet.streams.set('studio-1', { ...stream, streamId: HOSTILE, node: HOSTILE, client, health });
  fleet.refusals = fleet.refusals.map((refusal) => ({ ...refusal, sentence: HOSTILE, reason: HOSTILE }));
  fleet.note({ type: 'publish.accepted', channel: 'studio-1', ...client, streamId: '', resumed: false });
  const { url } = await serve(fleet);
  const { page, faults, foreign } = await openConsole(url);
  await page.getByText(HOSTILE).first().waitFor();
  await page.getByRole('link', { name: 'studio-1' }).click();
  await page.getByRole('heading', { name: 'studio-1', level: 1 }).waitFor();
  await page.locator('.issue').getByText(HOSTILE).waitFor();
  expect(await page.locator('img, script:not([src])').count()).toBe(0);
  expect(await page.title()).toBe('studio-1 – Streams');
  expect([faults, foreign]).toEqual([[], []]);
});

test('a lost connection is shown, and what was missed is caught up with', async () => {
  const fleet = new StandInFleet(20);
  const server = await serve(fleet);
  const { page } = await openConsole(server.url);
  await eventually(
    () => channels(page),
    (shown) => shown.length > 0,
  );
  const notice = page.getByText('The connection to the server is lost');
  fleet.streams.delete('cam-1');
  fleet.add(100);
  const lost = notice.waitFor();
  server.dropFeeds();
  await lost;
  await notice.waitFor({ state: 'detached' });
  await eventually(
    () => channels(page),
    (shown) => shown.includes('cam-13') && !shown.includes('cam-1'),
  );
});

test('an order needs the right token and a confirmation, and says what it did', async () => {
  const fleet = new StandInFleet(20);
  const server = await serve(fleet);
  const { page } = await openConsole(`${server.url}#/streams/cam-1`);
  await page.getByRole('button', { name: 'End stream' }).click();
  const token = page.getByLabel('Operator token');
  await token.fill('a wrong token');
  await page.keyboard.press('Enter');
  await page.getByText('The token is wrong.').waitFor();
  expect(server.orders).toEqual([]);
  await token.fill(STAND_IN_TOKEN);
  await page.keyboard.press('Enter');

  const dialog = page.getByRole('dialog', { name: 'End cam-1?' });
  await dialog.waitFor();
  // The harmless answer has the focus.
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  expect(server.orders).toEqual([]);

  await page.getByRole('button', { name: 'End stream' }).click();
  await dialog.getByRole('button', { name: 'End stream' }).click();
  await dialog.getByText('cam-1 was ended.').waitFor();
  expect(server.orders).toEqual(['streams/cam-1/end']);
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByText('Nobody publishes to this channel.').waitFor();

  await page.goto(`${server.url}#/nodes`);
  await page.getByRole('button', { name: `Drain … ${fleet.nodes[0]!.id}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Drain node' }).click();
  await eventually(
    () => Promise.resolve(server.orders),
    (orders) => orders.includes(`nodes/${fleet.nodes[0]!.id}/drain`),
  );
});

test('a stream with an id is ended by its id, so that a later one of the channel is not ended in its place', async () => {
  const fleet = new StandInFleet(20);
  expect(fleet.streams.get('studio-1')!.streamId).not.toBe('');
  const server = await serve(fleet);
  const { page } = await openConsole(`${server.url}#/streams/studio-1`);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByLabel('Operator token').fill(STAND_IN_TOKEN);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  await page.getByRole('button', { name: 'End stream' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'End stream' }).click();
  await page.getByText('studio-1 was ended.').waitFor();
  expect(server.orders).toEqual(['streams/studio-1/close']);
});

test('who may not read sees only the form for the token', async () => {
  const { url } = await serve(new StandInFleet(5), { isOpen: false });
  const { page } = await openConsole(url);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.getByRole('grid').count()).toBe(0);
  await page.getByLabel('Operator token').fill(STAND_IN_TOKEN);
  await page.keyboard.press('Enter');
  await eventually(
    () => channels(page),
    (shown) => shown.length === 5,
  );
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('the outputs of a stream, and orders to change them', async () => {
  const fleet = new StandInFleet(20);
  const server = await serve(fleet);
  const { page, faults } = await openConsole(server.url);
  const [channel] = [...fleet.streams.keys()];
  await page.goto(`${server.url}#/streams/${channel}`);
  const panel = page.getByRole('region', { name: 'Outputs' });
  await panel.getByText('rtmps://a.rtmps.youtube.com/live2').waitFor();
  await panel.getByText('The target closed the connection').waitFor();
  await panel.getByText('48 kB, connected 12 times, 11 gaps').waitFor();
  await panel.getByRole('button', { name: 'Forward …' }).click();
  await page.getByLabel('Operator token').fill(STAND_IN_TOKEN);
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: `Forward ${channel}` });
  const confirm = dialog.getByRole('button', { name: 'Forward', exact: true });
  await confirm.waitFor();
  expect(await confirm.isDisabled()).toBe(true);
  await dialog.getByLabel('Address, with its key').fill('rtmp://host/app/s3cr3t');
  await confirm.click();
  await dialog.getByRole('button', { name: 'Close' }).click();
  await panel.getByRole('button', { name: 'Stop recording …' }).click();
  await page.getByRole('button', { name: 'Stop recording', exact: true }).click();
  await page.getByRole('button', { name: 'Close' }).click();
  await panel.getByRole('button', { name: 'Remove hls' }).click();
  await page.getByRole('dialog', { name: 'Remove this HLS?' }).getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('button', { name: 'Close' }).click();
  const path = `streams/${channel}`;
  expect(server.orders).toEqual([`${path}/forward`, `${path}/stop-recording`, `${path}/remove-output`]);
  expect(server.bodies).toEqual([{ url: 'rtmp://host/app/s3cr3t' }, {}, { output: 'hls' }]);
  expect(faults).toEqual([]);
});

describe.each(['light', 'dark'] as const)('accessible in %s colours', (colorScheme) => {
  test.each([
    ['desktop', { width: 1440, height: 900 }],
    ['phone', { width: 390, height: 844 }],
  ])('at the width of a %s', async (_, viewport) => {
    const fleet = new StandInFleet(60);
    fleet.note({ type: 'stream.held', channel: 'mobile-2', streamId: '' });
    const { url } = await serve(fleet);
    const { page, faults } = await openConsole(url, { colorScheme, viewport, reducedMotion: 'reduce' });
    await rows(page).first().waitFor();
    const found: string[] = [];
    const look = async (): Promise<void> => void found.push(...(await seriousFaults(page)));
    await look();
    // No part of the page is wider than the screen.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(viewport.width);
    for (const [address, text] of [
      ['nodes', 'ready'],
      ['refusals', 'wrong key'],
      ['streams/mobile-2', 'Keyframe interval'],
      ['streams/studio-1', 'The codec VP8 cannot be packaged'],
      ['streams/news-main', 'Compare the stream key'],
    ] as const) {
      await page.goto(`${url}#/${address}`);
      await page.getByText(text).first().waitFor();
      await look();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(viewport.width);
    }
    await page.getByRole('button', { name: 'Block …', exact: true }).click();
    await page.getByRole('dialog').waitFor();
    await look();
    await page.getByLabel('Operator token').fill(STAND_IN_TOKEN);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Block news-main?' }).waitFor();
    await look();
    expect([found, faults]).toEqual([[], []]);
  });
});
