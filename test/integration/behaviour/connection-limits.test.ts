import { describe, expect, test } from '@jest/globals';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { type ConnectionOptionsForTest } from '../../support/rtmp/rtmp-connection';
import { expectFlows, ServerOfFile } from '../../support/servers/server-of-file';

const dualStack = { BIND_ADDRESS: undefined };
const byDefault = ServerOfFile.start({ ...dualStack, CONCURRENT_LIMIT_WHITELIST: undefined });
const two = ServerOfFile.start({ CONCURRENT_LIMIT_WHITELIST: undefined, MAX_IP_CONCURRENT_CONNECTIONS: '2' });
const exempting = ServerOfFile.start({
  ...dualStack,
  MAX_IP_CONCURRENT_CONNECTIONS: '1',
  CONCURRENT_LIMIT_WHITELIST: '127.0.5.0/24, 127.0.6.6,::1',
});

async function expectRefused(server: ServerOfFile, from: Partial<ConnectionOptionsForTest>): Promise<void> {
  await expect(RtmpClient.open({ port: server.port, ...from })).rejects.toThrow();
}

describe('connections per address', () => {
  test('limit default 4: the fifth from one IP is closed, other IPs go on, a freed place can be taken', async () => {
    const from = { localAddress: '127.0.0.2' };
    const clients = await Promise.all(['a', 'b', 'c', 'd'].map((app) => byDefault.connect(app, from)));
    await expectRefused(byDefault, from);
    await byDefault.connect('other-address', { localAddress: '127.0.0.3' });
    const publisher = clients[0]!;
    await publisher.publish('key');
    await clients[3]!.close();
    await byDefault.process.waitForLog(/closed channel=d/);
    await expectFlows(publisher, await byDefault.player('a', 'key', from), 'the freed place');
    await expectRefused(byDefault, from);
    expect(byDefault.process.log).toMatch(
      /\(127\.0\.0\.2\) connection refused: too many from this address: MAX_IP_CONCURRENT_CONNECTIONS are open, /,
    );
  });

  test('clients that were refused and do not close take no places', async () => {
    const from = { localAddress: '127.0.0.8' };
    const channel = byDefault.newChannel();
    await byDefault.publisher(channel, 'key');
    for (let i = 0; i < 4; i += 1) {
      const client = await byDefault.connect(channel, from);
      client.connection.socket.on('end', () => undefined);
      await expect(client.publish('key')).rejects.toThrow(/already publishing/);
    }
    await byDefault.process.waitForMatches(/127\.0\.0\.8\) closed .*already publishing/g, 4);
    await byDefault.connect('the-fifth', from);
  });

  test('IPv4 and IPv6 addresses are counted apart, an IPv4-mapped one as IPv4', async () => {
    const from = { localAddress: '127.0.0.4' };
    const mapped = { host: '::ffff:127.0.0.1', localAddress: '::ffff:127.0.0.4' };
    await Promise.all([0, 1].map(() => byDefault.connect('four', from)));
    await Promise.all([0, 1].map(() => byDefault.connect('mapped', mapped)));
    await expectRefused(byDefault, from);
    await expectRefused(byDefault, mapped);
    await byDefault.connect('six', { host: '::1' });
  });

  test('MAX_IP_CONCURRENT_CONNECTIONS is obeyed', async () => {
    await two.connect('a');
    await two.connect('b');
    await expectRefused(two, {});
  });

  test('a connection that never gets beyond TCP takes a place, and gives it back', async () => {
    const from = { localAddress: '127.0.7.7' };
    const idle = await Promise.all([0, 1].map(() => two.open({ ...from, handshake: 'none' })));
    await expectRefused(two, from);
    await idle[0]!.connection.reset();
    // No event says when the server has noticed.
    await expect(retried(() => two.connect('after', from))).resolves.toBeDefined();
  });

  test('CONCURRENT_LIMIT_WHITELIST: ranges and bare IPs, after blanks too, are exempt; others are not', async () => {
    for (const from of [{ localAddress: '127.0.5.200' }, { localAddress: '127.0.6.6' }, { host: '::1' }]) {
      await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((app) => exempting.connect(app, from)));
    }
    await exempting.connect('a', { localAddress: '127.0.6.7' });
    await expectRefused(exempting, { localAddress: '127.0.6.7' });
  });
});

async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 50; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
