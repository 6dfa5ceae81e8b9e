import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CallbackJournal } from '../../support/servers/callback-journal';
import { startCallbackServer } from '../../support/servers/callback-server';
import { avc } from '../../support/rtmp/media';
import { residentBytes } from '../../support/programs/process-memory';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { expectFlows } from '../../support/servers/server-of-file';
import { ServerProcess } from '../../support/servers/server-process';

/**
 * Behaviour that takes half a minute. All scenarios run at the same time, from the beginning; each test checks one.
 */
let journal: CallbackJournal;
let server: ServerProcess;
let patient: ServerProcess;
let scenarios: Record<keyof typeof parts, Promise<void>>;
const longMs = 60_000;

const connect = (channel: string, to = server) => RtmpClient.connect({ port: to.rtmpPort, app: channel });
const publish = (channel: string) => RtmpClient.publisher({ port: server.rtmpPort, channel, key: 'key' });
const play = (channel: string) => RtmpClient.player({ port: server.rtmpPort, channel, key: 'key' });

const parts = {
  async pings(): Promise<void> {
    const player = await play('pings');
    const begun = Date.now();
    await player.nextMessage(({ type, payload }) => type === 4 && payload.readUInt16BE() === 6, 'a ping', 45_000);
    expect(Date.now() - begun).toBeGreaterThan(25_000);
    await expectFlows(await publish('pings'), player, 'kept');
  },

  async defaultTimeout(): Promise<void> {
    journal.answer('default-timeout', () => ({ neverAnswer: true }));
    const client = await connect('default-timeout');
    await client.createStream();
    client.sendPublish('key');
    const status = await client.nextMessage(({ command }) => command?.name === 'onStatus', 'the refusal', 20_000);
    expect(status.command?.args[1]).toMatchObject({ level: 'error', code: 'NetStream.Publish.BadName' });
    await client.expectClosed();
  },

  async lateAnswer(): Promise<void> {
    journal.answer('late-answer', ({ claims }) => (claims['event'] === 'start' ? { delayMs: 10_500 } : {}));
    const client = await connect('late-answer', patient);
    await client.createStream();
    client.sendPublish('key');
    await client.waitForStatus('NetStream.Publish.Start', 20_000);
  },

  async slowPlayer(): Promise<void> {
    const [publisher, slow, quick] = [await publish('slow'), await play('slow'), await play('slow')];
    slow.connection.socket.pause();
    let sent = 0;
    const send = (size: number): void => publisher.sendVideo(sent * 40, avc.keyframe(`frame-${(sent += 1)}`, size));
    for (let burst = 0; burst < 40; burst += 1) {
      send(1_000_000);
      await quick.waitForPayload(avc.keyframe(`frame-${sent}`, 1_000_000));
    }
    expect(residentBytes(server.pid)).toBeLessThan(250e6);
    const trickle = setInterval(() => send(1_000), 200);
    await server.waitForLog(/play ended channel=slow[^]*closed channel=slow code=too_slow/, longMs);
    clearInterval(trickle);
    await publisher.roundTrip();
    await quick.waitForPayload(avc.keyframe(`frame-${sent}`, 1_000));
    expect(quick.media).toHaveLength(sent);
    slow.connection.socket.destroy();
  },
};

beforeAll(async () => {
  journal = new CallbackJournal(await startCallbackServer());
  const callback = { CALLBACK_URL: journal.server.url.href, JWT_SECRET: 'secret', CONCURRENT_LIMIT_WHITELIST: '*' };
  [server, patient] = await Promise.all([
    ServerProcess.start(callback),
    ServerProcess.start({ ...callback, CALLBACK_TIMEOUT_SECONDS: '15' }),
  ]);
  const begin = (part: keyof typeof parts): Promise<void> => {
    const running = parts[part]();
    running.catch(() => undefined); // its own test reports it
    return running;
  };
  scenarios = {
    pings: begin('pings'),
    defaultTimeout: begin('defaultTimeout'),
    lateAnswer: begin('lateAnswer'),
    slowPlayer: begin('slowPlayer'),
  };
});
afterAll(async () => {
  await Promise.allSettled(Object.values(scenarios));
  await Promise.all([server, patient].map((process) => process.stop('SIGKILL')));
  await journal.server.stop();
}, longMs);

describe('in real time', () => {
  test(
    'server sends ping requests (user control 6, about every 30 s) and keeps a peer that answers',
    () => scenarios.pings,
    longMs,
  );

  test(
    'a start callback that is not answered within 10 s refuses the publisher',
    () => scenarios.defaultTimeout,
    longMs,
  );

  test(
    'start answered after 10 s with 200 within CALLBACK_TIMEOUT_SECONDS: accepted then',
    () => scenarios.lateAnswer,
    longMs,
  );

  test(
    'a player that stops reading is disconnected after 30 s; others get every frame meanwhile, and memory stays bounded',
    () => scenarios.slowPlayer,
    longMs,
  );
});
