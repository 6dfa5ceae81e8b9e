import { describe, expect, test } from '@jest/globals';
import { type Fleet, FleetOfFile } from '../support/servers/fleet';
import { expectFlows } from '../support/servers/server-of-file';

describe('nodes that others know by a name', () => {
  const LIMIT = 3;
  const ofFile = FleetOfFile.start({
    nodes: 2,
    environment: {
      FLEET_ADVERTISE_HOST: 'localhost',
      CONCURRENT_LIMIT_WHITELIST: '192.0.2.1',
      MAX_IP_CONCURRENT_CONNECTIONS: String(LIMIT),
      MAX_IP_CONNECTIONS_PER_SECOND: '1000',
    },
  });

  test('fetch streams without the limits of clients, which stay for everybody else', async () => {
    const { fleet } = ofFile;
    const channels = Array.from({ length: LIMIT }, () => fleet.newChannel());
    const publishers = await Promise.all(channels.map((channel) => fleet.publisher(0, channel)));
    // The publishers have all places of this machine on their node, before a relay has come.
    for (const [at, channel] of channels.entries()) {
      await expectFlows(publishers[at]!, await fleet.player(1, channel), `stream ${at}`);
    }
    await expect(fleet.connect(0, 'another')).rejects.toThrow();
    expect(await rejected(fleet, 'too_many_connections')).toBe(1);
    expect(fleet.node(0).log).toMatch(/connection refused: too many from this address/);
    await publishers[0]!.close();
    await fleet.node(0).waitForLog(/publish ended/);
    await expect(fleet.connect(0, 'another')).resolves.toBeDefined();
  });

  test('let nobody in who only says that it is a node', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    await fleet.publisher(0, channel);
    for (let i = 1; i < LIMIT; i += 1) await fleet.connect(0, channel);
    const extra = { flashVer: 'RtmpFleet' };
    const played = await fleet.connect(0, channel, { extra });
    await expect(played.play('key')).rejects.toThrow('for relays of the fleet');
    const token = await fleet.connect(0, channel, { extra });
    await expect(token.play('relay?fleet=forged')).rejects.toThrow('Bad relay token');
    const publishes = await fleet.connect(0, 'another', { extra });
    await expect(publishes.publish('key')).rejects.toThrow('for relays of the fleet');
  });
});

describe.each([
  ['of no balancer and no transcoder', '127.0.0.8'],
  ['of transcoders, which send no header', '127.0.0.0/8'],
])('behind a load balancer, relays with addresses %s', (_, direct) => {
  const ofFile = FleetOfFile.start({
    nodes: 2,
    environment: { PROXY_PROTOCOL: 'v2', PROXY_TRUSTED: '127.0.0.9', PROXY_DIRECT: direct },
  });
  const localAddress = '127.0.0.8';

  test('fetch streams, and nobody else comes from there', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel, 'key', { localAddress });
    const player = await fleet.player(1, channel, 'key', { localAddress });
    await expectFlows(publisher, player, 'by a relay');
    if (direct !== localAddress) return;
    await expect(fleet.connect(0, channel)).rejects.toThrow();
    expect(await rejected(fleet, 'proxy_untrusted')).toBe(1);
  });
});

/** How many connections the first node has refused for this reason. */
async function rejected(fleet: Fleet, reason: string): Promise<number> {
  const metrics = await (await fetch(fleet.node(0).httpUrl('/metrics'))).text();
  const line = new RegExp(`^rtmp_rejected_connections_total\\{reason="${reason}"\\} (\\d+)$`, 'm');
  return Number(line.exec(metrics)?.[1] ?? 0);
}
