import { afterAll, describe, expect, test } from '@jest/globals';
import { CallbackJournal, verifiedClaims } from '../../support/servers/callback-journal';
import { startCallbackServer } from '../../support/servers/callback-server';
import { type RtmpClient } from '../../support/rtmp/rtmp-client';
import { ServerOfFile } from '../../support/servers/server-of-file';

const secret = 'a secret of the test, with ünicode';
let journal: CallbackJournal;
const server = ServerOfFile.start(async () => {
  journal = new CallbackJournal(await startCallbackServer());
  return {
    BIND_ADDRESS: undefined,
    CALLBACK_URL: journal.server.url.href,
    JWT_SECRET: secret,
    RTMP_HOST: 'live.example',
  };
});
const custom = ServerOfFile.start(() => ({
  CALLBACK_URL: journal.server.url.href,
  JWT_SECRET: secret,
  CUSTOM_JWT_SUBJECT: 'my subject',
}));
afterAll(() => journal.server.stop());

describe('start callback', () => {
  test('POST to the exact URL, empty body, rtmp-event header with a valid HS256 JWT and the claims', async () => {
    const channel = server.newChannel();
    await server.publisher(channel, 'the-key?token=a.b&x=/y', { localAddress: '127.0.8.8' });
    const request = await journal.next(channel, 'start');
    expect(request).toMatchObject({ method: 'POST', url: '/hooks/rtmp?site=1', body: '' });
    const { iat, exp, jti, ...claims } = verifiedClaims(request, secret);
    expect(claims).toEqual({
      sub: 'rtmp_event',
      event: 'start',
      channel,
      key: 'the-key',
      client_ip: '127.0.8.8',
      query: 'token=a.b&x=/y',
      rtmp_host: 'live.example',
      rtmp_port: server.port,
    });
    expect(Number(exp)).toBe(Number(iat) + 120);
    expect(Math.abs(Number(iat) * 1000 - Date.now())).toBeLessThan(60_000);
    expect(jti).toEqual(expect.stringMatching(/.{16,}/));
    expect(() => verifiedClaims(request, 'another secret')).toThrow('signature');
  });

  test('CUSTOM_JWT_SUBJECT is used in start and stop; RTMP_HOST unset: rtmp_host is ""', async () => {
    const channel = `custom-${custom.newChannel()}`;
    const publisher = await custom.publisher(channel);
    const start = verifiedClaims(await journal.next(channel, 'start'), secret);
    expect(start).toMatchObject({ sub: 'my subject', rtmp_host: '', rtmp_port: custom.port });
    expect(start).not.toHaveProperty('query');
    await publisher.close();
    expect(verifiedClaims(await journal.next(channel, 'stop'), secret)).toMatchObject({ sub: 'my subject' });
  });

  test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
  ])('client_ip is the plain address also on a dual-stack socket (connected to %s: %s)', async (host, clientIp) => {
    const channel = server.newChannel();
    await server.publisher(channel, 'key', { host });
    expect((await journal.next(channel, 'start')).claims['client_ip']).toBe(clientIp);
  });

  test('connections to the handler are kept alive', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    const { connection } = await journal.next(channel, 'start');
    publisher.deleteStream();
    expect((await journal.next(channel, 'stop')).connection).toBe(connection);
  });

  test('no callback for players, for a second publisher on a taken channel, or for a bad key name', async () => {
    const channel = server.newChannel();
    await server.player(channel);
    const bad = await server.connect(channel);
    await bad.createStream();
    bad.sendPublish('bad.key');
    await bad.expectClosed();
    const publisher = await server.publisher(channel);
    const second = await server.connect(channel);
    await second.createStream();
    second.sendPublish('other');
    await second.expectClosed();
    await publisher.close();
    await journal.next(channel, 'stop');
    expect(journal.events(channel)).toEqual(['start', 'stop']);
  });
});

describe('stop callback', () => {
  test('same form, carries stream_id from the start answer, the key and the address of the start', async () => {
    const channel = server.newChannel();
    journal.answer(channel, () => ({ headers: { 'stream-id': 'id 1|2/3' } }));
    const publisher = await server.publisher(channel, 'the-key?a=b', { localAddress: '127.0.8.9' });
    const start = verifiedClaims(await journal.next(channel, 'start'), secret);
    publisher.deleteStream();
    const request = await journal.next(channel, 'stop');
    expect(request).toMatchObject({ method: 'POST', url: '/hooks/rtmp?site=1', body: '' });
    const { iat, exp, jti, ...claims } = verifiedClaims(request, secret);
    expect(claims).toEqual({
      sub: 'rtmp_event',
      event: 'stop',
      channel,
      key: 'the-key',
      client_ip: '127.0.8.9',
      query: 'a=b',
      stream_id: 'id 1|2/3',
      start_jti: start['jti'],
    });
    expect(Number(exp)).toBe(Number(iat) + 120);
    expect(jti).not.toBe(start['jti']);
  });

  test.each(['Stream-Id', 'STREAM-ID', 'stream-id'])(
    'stream-id header is matched without regard to case (%s)',
    async (name) => {
      const channel = server.newChannel();
      journal.answer(channel, () => ({ headers: { [name]: 'any-case' } }));
      const publisher = await server.publisher(channel);
      await publisher.close();
      expect((await journal.next(channel, 'stop')).claims['stream_id']).toBe('any-case');
    },
  );

  test('start answered 200 without stream-id: accepted, stop carries stream_id ""', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    await publisher.close();
    expect((await journal.next(channel, 'stop')).claims['stream_id']).toBe('');
  });

  const ends: [string, (publisher: RtmpClient) => unknown][] = [
    [
      'deleteStream, then close',
      async (publisher) => {
        publisher.deleteStream();
        await publisher.close();
      },
    ],
    [
      'closeStream, deleteStream twice, FCUnpublish, close',
      async (publisher) => {
        const { streamId } = publisher;
        publisher.sendCommand('closeStream', [null], streamId);
        publisher.deleteStream(streamId);
        publisher.deleteStream(streamId);
        publisher.sendCommand('FCUnpublish', [null, 'key']);
        await publisher.close();
      },
    ],
    [
      'FCUnpublish, deleteStream, close, as encoders do',
      async (publisher) => {
        publisher.sendCommand('FCUnpublish', [null, 'key']);
        publisher.deleteStream();
        await publisher.close();
      },
    ],
    ...[1, 0].map((streamId): [string, (publisher: RtmpClient) => unknown] => [
      `FCUnpublish and closeStream on message stream ${streamId}, and nothing more`,
      async (publisher) => {
        publisher.sendCommand('FCUnpublish', [null, 'key']);
        publisher.sendCommand('closeStream', [null], streamId);
        await publisher.waitForStatus('NetStream.Unpublish.Success');
      },
    ]),
    [
      'FCUnpublish alone, then close',
      async (publisher) => {
        publisher.sendCommand('FCUnpublish', [null, 'key']);
        await publisher.close();
      },
    ],
    ['plain close without deleteStream (FIN)', (publisher) => publisher.close()],
    ['abrupt TCP end (RST)', (publisher) => publisher.reset()],
    ['bytes that are not RTMP', (publisher) => publisher.sendRaw(Buffer.alloc(5_000, 0xff))],
    [
      'deleteStream, publish again, close',
      async (publisher) => {
        publisher.deleteStream();
        await publisher.waitForStatus('NetStream.Unpublish.Success');
        await publisher.publish('key');
        await publisher.close();
      },
    ],
  ];
  test.each(ends)('exactly once for each start: %s', async (_, end) => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    await end(publisher);
    await journal.next(channel, 'stop');
    // The channel is published once more: callbacks of the first stream come before the second stream's stop.
    await (await server.publisher(channel, 'last')).close();
    for (;;) if ((await journal.next(channel, 'stop')).claims['key'] === 'last') break;
    const events = journal.events(channel);
    expect(events.filter((event) => event === 'start').length).toBe(events.filter((event) => event === 'stop').length);
    expect(events.join(' ')).not.toMatch(/stop stop|start start/);
  });

  test('after a refused second connect and a refused second publish, it names the first channel and key', async () => {
    const [channel, other] = [server.newChannel(), server.newChannel()];
    const publisher = await server.publisher(channel, 'first');
    expect((await publisher.callConnect({ app: other })).name).toBe('_error');
    publisher.sendPublish('second');
    await publisher.waitForStatus('NetStream.Publish.BadConnection');
    await publisher.close();
    expect((await journal.next(channel, 'stop')).claims).toMatchObject({ channel, key: 'first' });
    expect(journal.events(other)).toEqual([]);
  });

  test('for a publish on message stream 0 too', async () => {
    const channel = server.newChannel();
    const client = await server.connect(channel);
    client.sendPublish('key');
    expect(await client.nextStatus()).toMatchObject({ code: 'NetStream.Publish.Start', onStream: 0 });
    await client.close();
    expect((await journal.next(channel, 'stop')).claims['key']).toBe('key');
    await server.publisher(channel);
  });

  test('not answered with 200: it is sent again, with the same jti', async () => {
    const channel = server.newChannel();
    let stops = 0;
    journal.answer(channel, ({ claims }) => {
      if (claims['event'] === 'stop') stops += 1;
      return stops === 1 ? { status: 503 } : {};
    });
    await (await server.publisher(channel)).close();
    const first = verifiedClaims(await journal.next(channel, 'stop'), secret);
    const second = verifiedClaims(await journal.next(channel, 'stop'), secret);
    expect(second['jti']).toBe(first['jti']);
  });
});
