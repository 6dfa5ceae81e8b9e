import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { verifiedClaims } from '../../support/servers/callback-journal';
import { startCallbackServer, type CallbackServer } from '../../support/servers/callback-server';
import { ServerOfFile } from '../../support/servers/server-of-file';
import { createTestCa } from '../../support/servers/test-ca';

const ca = createTestCa();
let handler: CallbackServer;

beforeAll(async () => {
  handler = await startCallbackServer(ca);
});
const settings = (more: Record<string, string>): Record<string, string> => ({
  CALLBACK_URL: handler.url.href,
  JWT_SECRET: 'secret',
  ...more,
});
const trusting = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'].map((variable) => ({
  variable,
  server: ServerOfFile.start(() => settings({ [variable]: ca.caPath })),
}));
const distrusting = ServerOfFile.start(() => settings({}));
afterAll(async () => {
  await handler.stop();
  ca.remove();
});

describe('https callback', () => {
  test.each(trusting)('whose CA is given by $variable works', async ({ variable, server }) => {
    const channel = variable.toLowerCase();
    const before = handler.requests.length;
    const publisher = await server.publisher(channel);
    expect(verifiedClaims(await handler.request(before + 1), 'secret')).toMatchObject({ event: 'start', channel });
    await publisher.close();
    expect(verifiedClaims(await handler.request(before + 2), 'secret')).toMatchObject({ event: 'stop', channel });
  });

  test('whose CA nobody vouches for is not asked: the publisher is refused', async () => {
    const before = handler.requests.length;
    const client = await distrusting.connect('distrusted');
    await client.createStream();
    client.sendPublish('key');
    expect((await client.nextStatus()).code).toBe('NetStream.Publish.BadName');
    await client.expectClosed();
    expect(handler.requests).toHaveLength(before);
  });
});
