import { describe, expect, test } from '@jest/globals';
import { ServerOfFile } from '../../support/servers/server-of-file';

const secrets = {
  CALLBACK_URL: 'http://127.0.0.1:1/',
  JWT_SECRET: 'the-jwt-secret',
  REDIS_USE: 'YES',
  REDIS_PORT: '1',
  REDIS_PASSWORD: 'the-redis-password',
};
const requests = ServerOfFile.start({ LOG_REQUESTS: 'YES' });
const quiet = ServerOfFile.start({ LOG_REQUESTS: 'NO' });
const debug = ServerOfFile.start({ LOG_DEBUG: 'YES' });
const guarded = ServerOfFile.start({ LOG_DEBUG: 'YES', ...secrets });
const json = ServerOfFile.start({ LOG_FORMAT: 'json' });

/** One of everything that is logged, with keys that must not be. */
async function session(server: ServerOfFile): Promise<void> {
  const publisher = await server.publisher('the-channel', 'private-publish-key?token=private-token', {
    localAddress: '127.0.3.3',
  });
  const player = await server.player('the-channel', 'private-publish-key', { localAddress: '127.0.4.4' });
  const wrong = await server.connect('the-channel', { localAddress: '127.0.4.4' });
  await wrong.createStream();
  wrong.sendPlay('private-wrong-key');
  await wrong.expectClosed();
  publisher.deleteStream();
  await publisher.waitForStatus('NetStream.Unpublish.Success');
  await Promise.all([publisher.close(), player.close()]);
  const bad = await server.open();
  await bad.callConnect({ app: 'not.allowed' });
  await bad.expectClosed();
}

describe('logging', () => {
  test('LOG_REQUESTS=YES logs connect, publish, play, end with the channel and client address; keys are not logged', async () => {
    await session(requests);
    for (const line of [
      /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \[REQUEST\] #\d+ \(127\.0\.3\.3\) connect channel=the-channel\b/m,
      /#\d+ \(127\.0\.3\.3\) publish channel=the-channel\b/,
      /#\d+ \(127\.0\.4\.4\) play channel=the-channel\b/,
      /#\d+ \(127\.0\.3\.3\) publish ended channel=the-channel\b/,
      /#\d+ \(127\.0\.4\.4\) play ended channel=the-channel\b/,
      /#\d+ \(127\.0\.3\.3\) closed channel=the-channel code=client_closed\b/,
      /#\d+ \(127\.0\.4\.4\) closed channel=the-channel code=refused reason="NetStream\.Play\.BadName: .+"/,
    ]) {
      await requests.process.waitForLog(line);
    }
    expect(requests.process.log).not.toContain('private');
  });

  test('LOG_REQUESTS=NO logs none', async () => {
    await session(quiet);
    expect(await quiet.process.stop()).toBe(0);
    expect(quiet.process.log).not.toMatch(/REQUEST|the-channel|127\.0\.[34]\./);
  });

  test('LOG_DEBUG=YES: more log, everything still works', async () => {
    await session(debug);
    expect(debug.process.log).toMatch(/\[DEBUG\]/);
    expect(debug.process.log).not.toContain('private');
  });

  test('JWT_SECRET and REDIS_PASSWORD are not in it, nor are keys and tokens when a callback is asked', async () => {
    const client = await guarded.connect('the-channel');
    await client.createStream();
    client.sendPublish('private-publish-key?token=private-token');
    await client.waitForStatus('NetStream.Publish.BadName');
    await guarded.process.waitForLog(/Redis at .* cannot be used/);
    expect(guarded.process.log).not.toMatch(/private|the-jwt-secret|the-redis-password/);
  });

  test('LOG_FORMAT=json: one object a line', async () => {
    await session(json);
    await json.process.waitForLog(/play ended/);
    const lines = json.process.log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'request', message: 'play', channel: 'the-channel', ip: '127.0.4.4' }),
    );
    expect(json.process.log).not.toContain('private');
  });

  test('what a client calls itself cannot forge a line or send codes to a terminal', async () => {
    const forged = 'OBS\n[2026-01-01 00:00:00] [INFO] forged\u001b[31m\u202e';
    const client = await requests.open();
    await client.callConnect({ app: 'forging', extra: { flashVer: forged } });
    await client.close();
    await requests.process.waitForLog(/connect channel=forging/);
    expect(requests.process.log).not.toMatch(/^\[2026-01-01 00:00:00\]/m);
    expect(requests.process.log).not.toMatch(/[\u001b\u202e]/);
  });
});
