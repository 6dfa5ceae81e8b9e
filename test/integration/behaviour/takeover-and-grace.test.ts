import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type CallbackScript, type CallbackServer, startCallbackServer } from '../../support/servers/callback-server';
import { aac, avc } from '../../support/rtmp/media';
import { type RtmpClient } from '../../support/rtmp/rtmp-client';
import { ServerOfFile } from '../../support/servers/server-of-file';

let handler: CallbackServer;
let streamIds = 0;
beforeAll(async () => {
  handler = await startCallbackServer();
});
afterAll(() => handler.stop());
afterEach(() => {
  acceptEverybody();
});

/** Gives each start a new id, and the requested id to a start that resumes. */
function acceptEverybody(): void {
  handler.answerWith(accept);
}

const accept: CallbackScript = ({ claims }) => {
  streamIds += 1;
  return { status: 200, headers: { 'stream-id': (claims['resume'] as string | undefined) ?? `stream-${streamIds}` } };
};

/** The same, but starts of one channel are answered late. */
function answerSlowly(channel: string, delayMs: number): void {
  handler.answerWith((request) => {
    const isSlow = request.claims['channel'] === channel && request.claims['event'] === 'start';
    return { ...accept(request), ...(isSlow && { delayMs }) };
  });
}

function events(channel: string): { event: string; id: unknown }[] {
  return handler.requests
    .filter(({ claims }) => claims['channel'] === channel)
    .map(({ claims }) => ({ event: String(claims['event']), id: claims['stream_id'] ?? claims['resume'] }));
}

async function untilStop(channel: string): Promise<void> {
  for (let number = 1; ; number += 1) {
    const { claims } = await handler.request(number);
    if (claims['channel'] === channel && claims['event'] === 'stop') return;
  }
}

function sendOpening(publisher: RtmpClient, label: string, from = 0): void {
  publisher.sendAudio(from, aac.sequenceHeader());
  publisher.sendVideo(from, avc.sequenceHeader());
  publisher.sendVideo(from, avc.keyframe(`${label} key`));
  publisher.sendVideo(from + 40, avc.interFrame(`${label} inter`));
}

describe('PUBLISHER_TAKEOVER=YES', () => {
  const server = ServerOfFile.start(() => {
    acceptEverybody();
    return { PUBLISHER_TAKEOVER: 'YES', CALLBACK_URL: handler.url.href, JWT_SECRET: 'secret' };
  });

  test('a publisher with the same key replaces the one that is there, one stop and one start each', async () => {
    const channel = server.newChannel();
    const first = await server.publisher(channel);
    const player = await server.player(channel);
    const second = await server.publisher(channel);
    await first.waitForStatus('NetStream.Publish.Denied');
    await first.connection.closed;
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
    sendOpening(second, 'second');
    await player.waitForPayload(avc.keyframe('second key'));
    await untilStop(channel);
    expect(events(channel).map(({ event }) => event)).toEqual(['start', 'start', 'stop']);
  });

  test('one that has taken the channel over keeps it while it sends', async () => {
    const channel = server.newChannel();
    await server.publisher(channel);
    const keeper = await server.publisher(channel);
    const player = await server.player(channel);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await expect(server.publisher(channel)).rejects.toThrow('Stream already publishing');
    }
    sendOpening(keeper, 'keeper');
    await player.waitForPayload(avc.keyframe('keeper key'));
  });

  test('one that is accepted after the one before has left by itself is let in', async () => {
    const channel = server.newChannel();
    const first = await server.publisher(channel);
    answerSlowly(channel, 1_500);
    const second = await server.connect(channel);
    await second.createStream();
    const asked = handler.requests.length;
    second.sendPublish('key');
    await handler.request(asked + 1);
    first.deleteStream();
    await second.waitForStatus('NetStream.Publish.Start');
    const { claims } = await handler.request(asked + 2);
    expect(claims).toMatchObject({ event: 'stop', channel });
    expect(events(channel).filter(({ event }) => event === 'stop')).toHaveLength(1);
  });

  test('one with another key does not', async () => {
    const channel = server.newChannel();
    const first = await server.publisher(channel);
    const player = await server.player(channel);
    await expect(server.publisher(channel, 'other')).rejects.toThrow('Stream already publishing');
    sendOpening(first, 'first');
    await player.waitForPayload(avc.keyframe('first key'));
  });

  test('one that the handler refuses does not', async () => {
    const channel = server.newChannel();
    const first = await server.publisher(channel);
    const player = await server.player(channel);
    handler.answerWith(() => ({ status: 403 }));
    await expect(server.publisher(channel)).rejects.toThrow('NetStream.Publish.Denied');
    sendOpening(first, 'first');
    await player.waitForPayload(avc.keyframe('first key'));
  });
});

describe('a publisher that leaves while it is decided on', () => {
  const server = ServerOfFile.start(() => ({ CALLBACK_URL: handler.url.href, JWT_SECRET: 'secret' }));

  test('leaves its channel to the next when the handler has answered, which gets the stop', async () => {
    const channel = `undecided-${server.newChannel()}`;
    const requests = handler.requests.length;
    handler.answerWith((request) => ({
      ...accept(request),
      ...(request.claims['key'] === 'slow' && { delayMs: 1_500 }),
    }));
    const first = await server.connect(channel);
    await first.createStream();
    first.sendPublish('slow');
    const { claims } = await handler.request(requests + 1);
    await first.connection.reset();
    await server.process.waitForLog(new RegExp(`closed.*channel=${channel}`));
    await server.publisher(channel, 'quick');
    await handler.request(requests + 3);
    const [stop] = handler.requests
      .map((request) => request.claims)
      .filter(({ event }) => event === 'stop')
      .slice(-1);
    expect(stop).toMatchObject({ channel, key: 'slow', start_jti: claims['jti'] });
  });
});

describe('PUBLISHER_TAKEOVER=YES with RECONNECT_GRACE_SECONDS', () => {
  const server = ServerOfFile.start(() => {
    acceptEverybody();
    const callbacks = { CALLBACK_URL: handler.url.href, JWT_SECRET: 'secret' };
    return { PUBLISHER_TAKEOVER: 'YES', RECONNECT_GRACE_SECONDS: '3', ...callbacks };
  });

  test('one that was to continue a stream whose publisher has left meanwhile has the channel, and the stream has one stop', async () => {
    const channel = `both-${server.newChannel()}`;
    const first = await server.publisher(channel);
    answerSlowly(channel, 1_500);
    const second = await server.connect(channel);
    await second.createStream();
    const asked = handler.requests.length;
    second.sendPublish('key');
    await handler.request(asked + 1);
    first.deleteStream();
    await second.waitForStatus('NetStream.Publish.Start');
    second.deleteStream();
    await handler.request(asked + 2);
    await server.publisher(channel);
    const ids = events(channel).map(({ event, id }) => [event, id]);
    const [, [, resumed] = []] = ids;
    expect(ids.filter(([event]) => event === 'stop')).toEqual([['stop', resumed]]);
  });
});

describe('RECONNECT_GRACE_SECONDS', () => {
  const server = ServerOfFile.start(() => {
    acceptEverybody();
    return { RECONNECT_GRACE_SECONDS: '3', CALLBACK_URL: handler.url.href, JWT_SECRET: 'secret' };
  });

  const newChannel = (): string => `grace-${server.newChannel()}`;

  test('a lost publisher comes back: the stream goes on for its players, without a stop', async () => {
    const channel = newChannel();
    const first = await server.publisher(channel);
    const player = await server.player(channel);
    sendOpening(first, 'before', 5_000);
    await player.waitForPayload(avc.interFrame('before inter'));
    await first.connection.reset();
    await server.process.waitForLog(new RegExp(`channel held.*channel=${channel}`));

    const second = await server.publisher(channel);
    const seen = player.received.length;
    second.sendAudio(0, aac.sequenceHeader());
    second.sendVideo(0, avc.sequenceHeader());
    second.sendVideo(0, avc.interFrame('undecodable'));
    second.sendAudio(10, aac.frame('early'));
    second.sendVideo(40, avc.keyframe('after key'));
    second.sendVideo(80, avc.interFrame('after inter'));
    await player.waitForPayload(avc.interFrame('after inter'));
    const since = player.received.slice(seen);
    expect(since.map(({ type, payload }) => [type, payload.toString('hex')])).toEqual([
      [9, avc.keyframe('after key').toString('hex')],
      [9, avc.interFrame('after inter').toString('hex')],
    ]);
    const [key, inter] = since;
    expect(key!.timestamp).toBeGreaterThan(5_040);
    expect(key!.timestamp).toBeLessThan(5_140);
    expect(inter!.timestamp - key!.timestamp).toBe(40);
    const [start, resumed] = events(channel);
    expect([start!.event, resumed!.event]).toEqual(['start', 'start']);
    expect(resumed!.id).toMatch(/^stream-/);

    second.deleteStream();
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
    await untilStop(channel);
    expect(events(channel).map(({ event }) => event)).toEqual(['start', 'start', 'stop']);
    expect(events(channel)[2]!.id).toBe(resumed!.id);
  });

  test('a publisher that leaves before it is decided on leaves the held stream alone', async () => {
    const channel = newChannel();
    const first = await server.publisher(channel);
    await first.connection.reset();
    await server.process.waitForLog(new RegExp(`channel held.*channel=${channel}`));
    answerSlowly(channel, 1_000);
    const second = await server.connect(channel);
    await second.createStream();
    const asked = handler.requests.length;
    second.sendPublish('key');
    await handler.request(asked + 1);
    await second.connection.reset();
    await server.process.waitForLog(new RegExp(`closed.*channel=${channel}`));
    answerSlowly(channel, 2_500);
    const third = await server.publisher(channel);
    expect(events(channel).map(({ event }) => event)).toEqual(['start', 'start', 'start']);
    third.deleteStream();
    await untilStop(channel);
    const [start, ...more] = events(channel);
    const { id } = more[0]!;
    expect([start!.event, ...more]).toEqual([
      'start',
      { event: 'start', id },
      { event: 'start', id },
      { event: 'stop', id },
    ]);
  });

  test('the time does not run out while a publisher that came back is decided on', async () => {
    const channel = newChannel();
    const first = await server.publisher(channel);
    await first.connection.reset();
    await server.process.waitForLog(new RegExp(`channel held.*channel=${channel}`));
    answerSlowly(channel, 5_000);
    const second = await server.publisher(channel);
    second.deleteStream();
    await untilStop(channel);
    expect(events(channel).map(({ event }) => event)).toEqual(['start', 'start', 'stop']);
  });

  test('neither sound nor picture steps back when the publisher comes back', async () => {
    const channel = newChannel();
    const first = await server.publisher(channel);
    const player = await server.player(channel);
    sendOpening(first, 'before', 5_000);
    first.sendAudio(5_060, aac.frame('before'));
    await player.waitForPayload(aac.frame('before'));
    await first.connection.reset();
    await server.process.waitForLog(new RegExp(`channel held.*channel=${channel}`));
    const second = await server.publisher(channel);
    const seen = player.media.length;
    second.sendVideo(900, avc.keyframe('after'));
    // As OBS does: 300 ms of sound from before the picture follow it.
    for (let time = 600; time < 1_000; time += 20) second.sendAudio(time, aac.frame(`after ${time}`));
    await player.waitForPayload(aac.frame('after 980'));
    const [keyframe, ...sound] = player.media.slice(seen);
    expect(keyframe!.timestamp).toBe(5_093);
    expect(sound.map(({ timestamp }) => timestamp)).toEqual([5_073, 5_093, 5_113, 5_133, 5_153, 5_173]);
  });

  test('changed sequence headers are sent again', async () => {
    const channel = newChannel();
    const first = await server.publisher(channel);
    const player = await server.player(channel);
    sendOpening(first, 'before');
    await player.waitForPayload(avc.interFrame('before inter'));
    await first.connection.reset();
    await server.process.waitForLog(new RegExp(`channel held.*channel=${channel}`));
    const second = await server.publisher(channel);
    const changed = Buffer.concat([avc.sequenceHeader(), Buffer.from('changed')]);
    second.sendVideo(0, changed);
    second.sendVideo(0, avc.keyframe('after key'));
    await player.waitForPayload(changed);
    await player.waitForPayload(avc.keyframe('after key'));
  });

  test('another stream id ends the old stream with one stop and begins a new one', async () => {
    const channel = newChannel();
    const first = await server.publisher(channel);
    const player = await server.player(channel);
    await first.connection.reset();
    await server.process.waitForLog(new RegExp(`channel held.*channel=${channel}`));
    handler.answerWith(() => ({ status: 200, headers: { 'stream-id': 'quite-another' } }));
    await server.publisher(channel);
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
    await untilStop(channel);
    expect(events(channel).map(({ event }) => event)).toEqual(['start', 'start', 'stop']);
    expect(events(channel)[2]!.id).not.toBe('quite-another');
  });

  test('a publisher that does not come back: players are told and the stop is sent', async () => {
    const channel = newChannel();
    const first = await server.publisher(channel);
    const player = await server.player(channel);
    await first.connection.reset();
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
    await untilStop(channel);
    expect(events(channel).map(({ event }) => event)).toEqual(['start', 'stop']);
  });

  test('one that announced its end has no grace', async () => {
    const channel = newChannel();
    const first = await server.publisher(channel);
    first.sendCommand('FCUnpublish', [null, 'key']);
    await first.roundTrip();
    await first.connection.reset();
    await untilStop(channel);
    expect(server.process.log).not.toMatch(new RegExp(`channel held.*channel=${channel}`));
  });
});
