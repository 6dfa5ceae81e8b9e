import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { sendToWebhook } from '../../../../service/events/outlets/webhook';
import { acceptedEvent } from './sample-events';

const first = Buffer.alloc(32, 'first').toString('base64');
const second = Buffer.alloc(32, 'second').toString('base64');

let server: Server;
let url: URL;
let answer: { status: number; headers?: Record<string, string> };
let received: { body: string; headers: IncomingHttpHeaders }[];

beforeEach(async () => {
  answer = { status: 204 };
  received = [];
  server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ body, headers: request.headers });
      if (answer.status > 0) response.writeHead(answer.status, answer.headers).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`);
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** What the receiver does with Standard Webhooks' own library. */
function verified(key: string): unknown {
  const [{ body, headers } = { body: '', headers: {} }] = received;
  return new Webhook(key).verify(body, headers as Record<string, string>);
}

describe('sendToWebhook', () => {
  test("is verified by Standard Webhooks' library", async () => {
    const event = acceptedEvent();
    expect(await sendToWebhook({ url, keys: [first] }, event)).toEqual({ result: 'sent' });
    expect(verified(first)).toEqual({
      type: 'publish.accepted',
      timestamp: event.at,
      data: expect.objectContaining({ id: event.id, channel: 'news', streamId: 's-1' }),
    });
    expect(() => verified(second)).toThrow('No matching signature');
  });

  test('carries both signatures while the secret is rotated', async () => {
    await sendToWebhook({ url, keys: [first, second] }, acceptedEvent());
    expect(verified(first)).toBeDefined();
    expect(verified(second)).toBeDefined();
  });

  test.each([
    [{ status: 200 }, { result: 'sent' }],
    [
      { status: 302, headers: { location: 'http://127.0.0.1:9/' } },
      { result: 'retry', reason: 'status 302' },
    ],
    [{ status: 400 }, { result: 'retry', reason: 'status 400' }],
    [{ status: 410 }, { result: 'gone' }],
    [
      { status: 429, headers: { 'retry-after': '120' } },
      { result: 'retry', afterMs: 120_000 },
    ],
    [
      { status: 503, headers: { 'retry-after': '999999' } },
      { result: 'retry', afterMs: 3_600_000 },
    ],
    [
      { status: 500, headers: { 'retry-after': 'soon' } },
      { result: 'retry', afterMs: undefined },
    ],
  ])('understands the answer %j', async (given, sending) => {
    answer = given;
    expect(await sendToWebhook({ url, keys: [first] }, acceptedEvent())).toMatchObject(sending);
  });

  test('gives up a receiver that does not answer', async () => {
    answer = { status: 0 };
    await expect(sendToWebhook({ url, keys: [first], timeoutMs: 50 }, acceptedEvent())).rejects.toThrow('timeout');
  });
});
