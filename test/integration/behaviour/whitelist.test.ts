import { describe, expect, test } from '@jest/globals';
import { expectFlows, ServerOfFile } from '../../support/servers/server-of-file';

/** All interfaces, IPv4 and IPv6 on one socket: IPv4 clients then have IPv4-mapped addresses. */
const dualStack = { BIND_ADDRESS: undefined };

const ranges = ServerOfFile.start({ ...dualStack, RTMP_PLAY_WHITELIST: '127.0.1.0/24, 127.0.9.9' });
const ipv6 = ServerOfFile.start({ ...dualStack, RTMP_PLAY_WHITELIST: '::1/128' });
const alias = ServerOfFile.start({ PLAY_ALLOWED_FROM: '127.0.1.0/24' });

async function expectRefused(
  server: ServerOfFile,
  channel: string,
  from: { localAddress?: string; host?: string },
): Promise<void> {
  const player = await server.connect(channel, from);
  await player.createStream();
  player.sendPlay('key');
  expect(await player.nextStatus()).toMatchObject({ level: 'error', code: 'NetStream.Play.BadName' });
  await player.expectClosed();
  expect(player.media).toEqual([]);
}

describe('RTMP_PLAY_WHITELIST', () => {
  test('IPv4 CIDR: inside plays, outside gets NetStream.Play.BadName and is closed; publishing is not restricted', async () => {
    const channel = ranges.newChannel();
    const publisher = await ranges.publisher(channel, 'key', { localAddress: '127.0.0.1' });
    await expectFlows(publisher, await ranges.player(channel, 'key', { localAddress: '127.0.1.77' }), 'inside');
    await expectRefused(ranges, channel, { localAddress: '127.0.2.1' });
    await expectRefused(ranges, channel, { host: '::1' });
  });

  test('a bare IP after a blank in the list is that one address', async () => {
    const channel = ranges.newChannel();
    const publisher = await ranges.publisher(channel);
    await expectFlows(publisher, await ranges.player(channel, 'key', { localAddress: '127.0.9.9' }), 'bare');
    await expectRefused(ranges, channel, { localAddress: '127.0.9.8' });
  });

  test('IPv6 CIDR, IPv4 clients outside', async () => {
    const channel = ipv6.newChannel();
    const publisher = await ipv6.publisher(channel);
    await expectFlows(publisher, await ipv6.player(channel, 'key', { host: '::1' }), 'IPv6');
    await expectRefused(ipv6, channel, { localAddress: '127.0.0.1' });
  });

  test('its other name PLAY_ALLOWED_FROM works, with a warning', async () => {
    const channel = alias.newChannel();
    const publisher = await alias.publisher(channel);
    await expectFlows(publisher, await alias.player(channel, 'key', { localAddress: '127.0.1.1' }), 'alias');
    await expectRefused(alias, channel, { localAddress: '127.0.0.1' });
    expect(alias.process.log).toMatch(/WARNING.*PLAY_ALLOWED_FROM.*RTMP_PLAY_WHITELIST/);
  });
});

describe.each(['*', ''])('RTMP_PLAY_WHITELIST %j', (list) => {
  const open = ServerOfFile.start({ ...dualStack, RTMP_PLAY_WHITELIST: list });

  test('allows all, on a dual-stack socket too', async () => {
    const publisher = await open.publisher('open');
    await expectFlows(publisher, await open.player('open', 'key', { localAddress: '127.0.3.4' }), 'IPv4');
    await expectFlows(publisher, await open.player('open', 'key', { host: '::1' }), 'IPv6');
  });
});
