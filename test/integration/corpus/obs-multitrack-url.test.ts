import { afterAll, describe, expect, test } from '@jest/globals';
import { CallbackJournal } from '../../support/servers/callback-journal';
import { startCallbackServer } from '../../support/servers/callback-server';
import { expectFlows, ServerOfFile } from '../../support/servers/server-of-file';

// With multitrack video OBS builds the stream name from the key and, after it, the queries of the key and of the server
// field with `clientConfigId`. With an empty key field the stream name is only a query. The app is the text of the
// server field, query included, without `/{stream_key}`.

let journal: CallbackJournal;
const server = ServerOfFile.start(async () => {
  journal = new CallbackJournal(await startCallbackServer());
  return { CALLBACK_URL: journal.server.url.href, JWT_SECRET: 'secret' };
});
afterAll(() => journal.server.stop());

const CONFIG_ID = 'clientConfigId=7f3c';

describe("OBS's multitrack video", () => {
  test.each([
    ['server rtmp://HOST/CHANNEL, key KEY', { app: 'CH', name: `key?${CONFIG_ID}`, query: CONFIG_ID }],
    ['a query in the key field', { app: 'CH', name: `key?test=1&${CONFIG_ID}`, query: `test=1&${CONFIG_ID}` }],
    ['server rtmp://HOST/CHANNEL/KEY, no key', { app: 'CH/key', name: `?${CONFIG_ID}`, query: CONFIG_ID }],
    ['the same without a configuration from a server', { app: 'CH/key', name: '', query: undefined }],
    [
      'server rtmp://HOST/CHANNEL/KEY?token=a, no key',
      { app: 'CH/key?token=a', name: `?token=a&${CONFIG_ID}`, query: `token=a&${CONFIG_ID}` },
    ],
    ['server rtmp://HOST/CHANNEL/KEY/, no key', { app: 'CH/key/', name: `?${CONFIG_ID}`, query: CONFIG_ID }],
  ])('%s: the stream is CHANNEL with KEY', async (_, { app, name, query }) => {
    const channel = server.newChannel();
    const publisher = await server.publisher(app.replace('CH', channel), name);
    const { claims } = await journal.next(channel, 'start');
    expect(claims).toMatchObject({ channel, key: 'key' });
    expect(claims['query']).toBe(query);
    await expectFlows(publisher, await server.player(channel, 'key'), 'flows');
  });

  test('no key anywhere: refused with the reason, nobody is asked, and the channel stays free', async () => {
    const channel = server.newChannel();
    const client = await server.connect(channel);
    await client.createStream();
    client.sendPublish(`?${CONFIG_ID}`);
    const description = expect.stringMatching(/key/i);
    expect(await client.nextStatus()).toMatchObject({ code: 'NetStream.Publish.BadName', description });
    expect(journal.events(channel)).toEqual([]);
    await server.publisher(channel);
  });
});
