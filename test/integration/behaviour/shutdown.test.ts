import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CallbackJournal } from '../../support/servers/callback-journal';
import { startCallbackServer } from '../../support/servers/callback-server';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { ServerProcess, type ServerEnvironment } from '../../support/servers/server-process';
import { UserControl } from '../../support/rtmp/wire-builder';

let journal: CallbackJournal;
beforeEach(async () => {
  journal = new CallbackJournal(await startCallbackServer());
});
afterEach(() => journal.server.stop());

async function start(environment: ServerEnvironment = {}): Promise<ServerProcess> {
  return ServerProcess.start({ CALLBACK_URL: journal.server.url.href, JWT_SECRET: 'secret', ...environment });
}

const publish = (server: ServerProcess, channel: string) =>
  RtmpClient.publisher({ port: server.rtmpPort, channel, key: 'key' });
const play = (server: ServerProcess, channel: string) =>
  RtmpClient.player({ port: server.rtmpPort, channel, key: 'key' });

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  test('players and publishers are told, everybody is disconnected, stop callbacks go out, exit code 0', async () => {
    const server = await start();
    const [player, idle] = [await play(server, 'a'), await play(server, 'nobody')];
    const publishers = [await publish(server, 'a'), await publish(server, 'b')];
    const ended = server.stop(signal);
    for (const publisher of publishers) {
      expect(await publisher.waitForStatus('NetStream.Publish.BadName')).toMatchObject({
        level: 'error',
        description: 'Server is shutting down',
      });
    }
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
    expect(await player.waitForUserControl(UserControl.streamEof)).toBe(1);
    await Promise.all([player, idle, ...publishers].map((client) => client.expectClosed()));
    expect(await ended).toBe(0);
    expect(journal.events('a')).toEqual(['start', 'stop']);
    expect(journal.events('b')).toEqual(['start', 'stop']);
    expect(player.statusCodes.filter((code) => code === 'NetStream.Play.UnpublishNotify')).toHaveLength(1);
  });
});

describe('SIGTERM', () => {
  test('a stop that is answered with an error is sent again before the exit', async () => {
    const server = await start();
    let stops = 0;
    journal.answer('a', ({ claims }) => (claims['event'] === 'stop' && (stops += 1) < 3 ? { status: 500 } : {}));
    const publisher = await publish(server, 'a');
    expect(await server.stop()).toBe(0);
    expect(journal.events('a')).toEqual(['start', 'stop', 'stop', 'stop']);
    await publisher.expectClosed();
  });

  test('a handler that never answers does not hold the exit beyond DRAIN_SECONDS; what is lost is logged', async () => {
    const server = await start({ DRAIN_SECONDS: '1' });
    journal.answer('a', ({ claims }) => (claims['event'] === 'stop' ? { neverAnswer: true } : {}));
    const publisher = await publish(server, 'a');
    expect(await server.stop()).toBe(0);
    expect(server.log).toMatch(/ERROR.*[Ss]top callback/);
    await publisher.expectClosed();
  });

  test('a publisher that is being decided on is told, and what the handler accepted is stopped', async () => {
    const server = await start();
    journal.answer('a', ({ claims }) =>
      claims['event'] === 'start' ? { delayMs: 500, headers: { 'stream-id': 'late' } } : {},
    );
    const client = await RtmpClient.connect({ port: server.rtmpPort, app: 'a' });
    await client.createStream();
    client.sendPublish('key');
    await journal.next('a', 'start');
    const ended = server.stop();
    expect(await client.nextStatus()).toMatchObject({ level: 'error', description: 'Server is shutting down' });
    await client.expectClosed();
    expect(await ended).toBe(0);
    expect((await journal.next('a', 'stop')).claims['stream_id']).toBe('late');
  });

  test('a client that reads nothing does not hold the exit', async () => {
    const server = await start();
    const [publisher, player] = [await publish(server, 'a'), await play(server, 'a')];
    player.connection.socket.pause();
    for (let index = 0; index < 100; index += 1) publisher.sendVideo(index * 40, Buffer.alloc(100_000, 0x27));
    await publisher.roundTrip();
    expect(await server.stop()).toBe(0);
    player.connection.socket.destroy();
    await publisher.expectClosed();
  });

  test('with nobody connected the end is immediate, and a second signal changes nothing', async () => {
    const server = await ServerProcess.start({ DRAIN_SECONDS: '60' });
    server.program.signal('SIGINT');
    expect(await server.stop('SIGTERM')).toBe(0);
  });
});
