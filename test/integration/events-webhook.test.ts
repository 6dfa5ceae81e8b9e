import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { ServerProcess } from '../support/servers/server-process';

test('the program POSTs events that the receiver can verify, without the stream key', async () => {
  const secret = `whsec_${Buffer.alloc(32, 'secret').toString('base64')}`;
  const bodies: string[] = [];
  const seen = new Map<string, () => void>();
  const receiver = createServer((request: IncomingMessage, response) => {
    void text(request).then((body) => {
      const event = new Webhook(secret).verify(body, request.headers as Record<string, string>) as { type: string };
      bodies.push(body);
      response.writeHead(204).end();
      seen.get(event.type)?.();
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  const comes = (type: string): Promise<void> => new Promise((resolve) => seen.set(type, resolve));
  const [accepted, ended] = [comes('publish.accepted'), comes('stream.ended')];

  const server = await ServerProcess.start({
    EVENTS_WEBHOOK_URL: `http://127.0.0.1:${port}/hooks`,
    EVENTS_WEBHOOK_SECRET: secret,
  });
  const client = await RtmpClient.publisher({ port: server.rtmpPort, channel: 'news', key: 'topsecret' });
  await accepted;
  await client.close();
  await ended;
  expect(await server.stop()).toBe(0);
  receiver.close();
  expect(bodies.join('')).toContain('"channel":"news"');
  expect(bodies.join('') + server.log).not.toContain('topsecret');
});
