import { afterAll, describe, expect, test } from '@jest/globals';
import { CallbackJournal } from '../../support/servers/callback-journal';
import { startCallbackServer } from '../../support/servers/callback-server';
import { ecma, type Amf } from '../../support/rtmp/amf-test-codec';
import { ServerOfFile } from '../../support/servers/server-of-file';

/** The callback shows how the server parsed a client's names. */
let journal: CallbackJournal;
const server = ServerOfFile.start(async () => {
  journal = new CallbackJournal(await startCallbackServer());
  return { CALLBACK_URL: journal.server.url.href, JWT_SECRET: 'secret' };
});
afterAll(() => journal.server.stop());

interface Names {
  readonly app?: string | undefined;
  readonly tcUrl?: string | undefined;
  readonly name: string;
  readonly extra?: Record<string, Amf>;
  /** The query that the callback gets. */
  readonly query?: string;
}

/** Publishes as this client does and gives the claims of the start callback; CH stands for the channel throughout. */
async function publishes({ app, tcUrl, name, extra }: Names, channel: string): Promise<Record<string, unknown>> {
  const fill = (text: string): string => text.replaceAll('CH', channel);
  const given: Record<string, Amf> = { app, tcUrl, ...extra };
  const object = Object.fromEntries(
    Object.entries(given)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, typeof value === 'string' ? fill(value) : value]),
  );
  const client = await server.open();
  const answer = await client.call('connect', object);
  expect(answer.name).toBe('_result');
  await client.publish(fill(name));
  return (await journal.next(channel, 'start')).claims;
}

describe('names as clients write them', () => {
  const shapes: [string, Names][] = [
    ['the plain form', { app: 'CH', tcUrl: 'rtmp://host/CH', name: 'key' }],
    ['a trailing slash of the app', { app: 'CH/', tcUrl: 'rtmp://host/CH/', name: 'key' }],
    ['a leading slash of the app (a URL with two slashes)', { app: '/CH', tcUrl: 'rtmp://host//CH', name: 'key' }],
    ['the default instance behind the app', { app: 'CH/_definst_', tcUrl: 'rtmp://host/CH/_definst_', name: 'key' }],
    ['the key in the app, and again as the stream name', { app: 'CH/key', tcUrl: 'rtmp://host/CH/key', name: 'key' }],
    [
      'the key in the app, the stream name empty (OBS: all in the server field)',
      { app: 'CH/key', tcUrl: 'rtmp://host/CH/key', name: '' },
    ],
    ['channel and key in the stream name', { app: 'CH', tcUrl: 'rtmp://host/CH', name: 'CH/key' }],
    ['channel and key in the stream name after a slash', { app: 'CH', tcUrl: 'rtmp://host/CH', name: '/CH/key' }],
    ['an empty app, all in tcUrl', { app: '', tcUrl: 'rtmp://host:1935/CH/key', name: '' }],
    ['no app at all', { app: undefined, tcUrl: 'rtmp://host/CH', name: 'key' }],
    ['no tcUrl', { app: 'CH', tcUrl: undefined, name: 'key' }],
    ['tcurl in lower case', { app: '', tcUrl: undefined, name: 'key', extra: { tcurl: 'rtmp://host/CH' } }],
    [
      'a quoted tcUrl with options, as librtmp in GStreamer hands it on',
      { app: '', tcUrl: "'rtmp://host/CH live=1'", name: 'key' },
    ],
    ['tcUrl with two slashes and no flashVer (Prism Live)', { app: '', tcUrl: 'rtmp://host//CH', name: 'key' }],
    [
      'a query behind the key (Teradek, Wirecast)',
      { app: 'CH', tcUrl: 'rtmp://host/CH', name: 'key?token=a/b.c', query: 'token=a/b.c' },
    ],
    ['a query behind the app', { app: 'CH?token=1', tcUrl: 'rtmp://host/CH?token=1', name: 'key', query: 'token=1' }],
    [
      "a query behind the app and the key: the key's counts",
      { app: 'CH?a=1', tcUrl: '', name: 'key?b=2', query: 'b=2' },
    ],
    ['a query behind both in the app', { app: 'CH/key?token=1', tcUrl: '', name: '', query: 'token=1' }],
    [
      'Adobe authentication in app and tcUrl',
      {
        app: 'CH?authmod=adobe&user=u',
        tcUrl: 'rtmp://host/CH?authmod=adobe&user=u',
        name: 'key',
        query: 'authmod=adobe&user=u',
      },
    ],
    [
      'many unknown fields',
      {
        app: 'CH',
        tcUrl: 'rtmp://host/CH',
        name: 'key',
        extra: {
          supportsGoAway: true,
          videoFunction: 1,
          fpad: false,
          swfUrl: 'rtmp://host/CH',
          pageUrl: null,
          audioCodecs: 4071,
          x: { y: [] },
        },
      },
    ],
  ];
  test.each(shapes)('%s', async (_, names) => {
    const channel = server.newChannel();
    const claims = await publishes(names, channel);
    expect(claims).toMatchObject({ channel, key: 'key' });
    expect(claims['query']).toBe(names.query);
  });

  test('connect whose object is an ECMA array', async () => {
    const channel = server.newChannel();
    const client = await server.open();
    expect((await client.call('connect', ecma({ app: channel, tcUrl: `rtmp://host/${channel}` }, 0))).name).toBe(
      '_result',
    );
    await client.publish('key');
  });

  test('publish without the type argument', async () => {
    const client = await server.connect(server.newChannel());
    await client.createStream();
    client.sendCommand('publish', [null, 'key'], client.streamId);
    await client.waitForStatus('NetStream.Publish.Start');
  });

  test.each(['record', 'append', '', 'LIVE'])('publish of type %j is live', async (type) => {
    const client = await server.connect(server.newChannel());
    await client.createStream();
    client.sendPublish('key', type);
    await client.waitForStatus('NetStream.Publish.Start');
  });

  test('another key than that of the app is refused', async () => {
    const client = await server.connect(`${server.newChannel()}/key`);
    await client.createStream();
    client.sendPublish('other');
    await client.waitForStatus('NetStream.Publish.BadName');
    await client.expectClosed();
  });

  test.each([
    ['an empty app without a path in tcUrl', '', 'rtmp://host'],
    ['an empty app and a port', '', 'rtmp://host:1935/'],
    ['three parts', 'a/b/c', 'rtmp://host/a/b/c'],
    ['a bad second part', 'a/b.c', 'rtmp://host/a/b.c'],
    ['nothing but a query', '?token=1', 'rtmp://host/?token=1'],
  ])('%s is refused with the reason', async (_, app, tcUrl) => {
    const client = await server.open();
    const answer = await client.callConnect({ app, tcUrl });
    expect(answer).toMatchObject({ name: '_error', args: [null, { code: 'NetConnection.Connect.Rejected' }] });
    await client.expectClosed();
  });
});
