import { expect, test } from '@jest/globals';
import { Explanation } from '../../../../service/http/api/schemas/explain';
import { NodeList } from '../../../../service/http/api/schemas/node';
import { OrderResult } from '../../../../service/http/api/schemas/order';
import { Problem } from '../../../../service/http/api/schemas/problem';
import { RefusalList } from '../../../../service/http/api/schemas/refusal-list';
import { StreamDetail, StreamPage } from '../../../../service/http/api/schemas/stream';
import { LivePublisher } from '../../../support/rtmp/live-publisher';
import { avc } from '../../../support/rtmp/media';
import { RtmpClient } from '../../../support/rtmp/rtmp-client';
import { startCallbackServer } from '../../../support/servers/callback-server';
import { startTestNode, type TestNode } from '../../../support/servers/test-node';
import { get, post, TOKEN } from './api-client';

const SECRET = 'a-secret-of-at-least-thirty-two-bytes';

function publish(node: TestNode, channel: string, key = 'secretkey'): Promise<RtmpClient> {
  return RtmpClient.publisher({ port: node.ports.rtmp, channel, key });
}

test('a live stream is on the page of streams and has a page of its own; its key is on none', async () => {
  const node = await startTestNode({ OPERATOR_TOKEN: TOKEN });
  const publisher = await LivePublisher.start({ channel: 'news', key: 'secretkey', port: () => node.ports.rtmp });
  try {
    const page = await get(node, '/streams');
    expect(StreamPage.parse(page.json)).toMatchObject({
      total: 1,
      unanswered: [],
      streams: [{ channel: 'news', state: 'live', client: { address: '127.0.0.1' }, players: 0 }],
    });
    const detail = await get(node, '/streams/news');
    const { events, history } = StreamDetail.parse(detail.json);
    expect(events.map(({ type }) => type)).toEqual(['publish.accepted', 'publish.asked']);
    expect(history.stepSeconds).toBe(5);
    const why = await get(node, '/streams/news/explain');
    expect(Explanation.parse(why.json)).toMatchObject({
      verdict: 'live',
      holder: { state: 'live', address: '127.0.0.1' },
    });
    const all = JSON.stringify([
      page,
      detail,
      why,
      await get(node, '/events', { headers: { accept: 'application/json' } }),
    ]);
    expect(all).not.toContain('secretkey');
  } finally {
    publisher.stop();
  }
});

test('an order ends a stream; a block keeps it out until it is lifted; explain says so', async () => {
  const node = await startTestNode({ OPERATOR_TOKEN: TOKEN });
  const client = await publish(node, 'news');
  expect(OrderResult.parse((await post(node, '/streams/news/close', { streamId: 'other' })).json).done).toBe(false);
  const ended = OrderResult.parse((await post(node, '/streams/news/end')).json);
  expect(ended).toMatchObject({ order: 'end', target: 'news', done: true, unanswered: [] });
  await client.expectClosed();
  const missing = await get(node, '/streams/news');
  expect(missing.status).toBe(404);
  expect(Problem.parse(missing.json).code).toBe('noStream');

  expect(OrderResult.parse((await post(node, '/streams/news/block', { seconds: 600 })).json).sentence).toContain('600');
  const blocked = Explanation.parse((await get(node, '/streams/news/explain')).json);
  expect(blocked).toMatchObject({ verdict: 'blocked', holder: null });
  expect(blocked.blockedSeconds).toBeGreaterThan(500);
  expect(blocked.advice.join()).toContain('unblock');
  expect(OrderResult.parse((await post(node, '/streams/news/unblock')).json).done).toBe(true);
  expect(OrderResult.parse((await post(node, '/streams/news/unblock')).json).done).toBe(false);
  const again = await publish(node, 'news');
  await again.close();
});

test('a refused publisher is counted with the reason, and explain says what to do', async () => {
  const handler = await startCallbackServer();
  handler.answerWith(() => ({ status: 403 }));
  const node = await startTestNode({ CALLBACK_URL: handler.url.href, JWT_SECRET: SECRET });
  for (let i = 0; i < 2; i += 1) await expect(publish(node, 'news', `wrong${i}`)).rejects.toThrow();
  const { refusals } = RefusalList.parse((await get(node, '/refusals')).json);
  expect(refusals).toMatchObject([{ channel: 'news', address: '127.0.0.1', code: 'handler', count: 2 }]);
  const why = Explanation.parse((await get(node, '/streams/news/explain')).json);
  expect(why.verdict).toBe('refused');
  expect(why.sentence).toMatch(/wrong key.*127\.0\.0\.1, 2 times/);
  expect(why.advice[0]).toMatch(/stream key/);
  await handler.stop();
});

test('a channel that nobody has tried is idle', async () => {
  const node = await startTestNode();
  const why = Explanation.parse((await get(node, '/streams/quiet/explain')).json);
  expect(why).toMatchObject({ verdict: 'idle', holder: null, refusals: [], blockedSeconds: null });
  expect(why.advice[0]).toContain('/quiet/KEY');
});

test('the keyframe page is an FLV file of headers and the newest keyframe', async () => {
  const node = await startTestNode();
  const none = await get(node, '/streams/news/keyframe');
  expect(Problem.parse(none.json).code).toBe('noKeyframe');
  const client = await publish(node, 'news');
  const keyframe = avc.keyframe('picture', 70_000);
  client.sendVideo(0, avc.sequenceHeader());
  client.sendVideo(40, keyframe);
  client.sendVideo(80, avc.interFrame('later', 100));
  await client.roundTrip();
  const answer = await fetch(`http://127.0.0.1:${node.ports.http}/api/v1/streams/news/keyframe`);
  expect(answer.headers.get('content-type')).toBe('video/x-flv');
  const flv = Buffer.from(await answer.arrayBuffer());
  expect(flv.subarray(0, 3).toString()).toBe('FLV');
  expect(flv.includes(keyframe)).toBe(true);
  expect(flv.includes(avc.sequenceHeader())).toBe(true);
  expect(flv.includes(avc.interFrame('later', 100))).toBe(false);
  expect(flv.readUInt32BE(flv.length - 4)).toBe(11 + keyframe.length);
  await client.close();
});

test('a node says what it does, and for how many publishers it is sized', async () => {
  const node = await startTestNode({ SLOTS: '2' });
  const client = await publish(node, 'news');
  const { nodes, answering } = NodeList.parse((await get(node, '/nodes')).json);
  expect(nodes).toMatchObject([
    {
      id: answering,
      reachable: true,
      ready: true,
      draining: false,
      version: 'test',
      streams: 1,
      slots: 2,
      connections: 1,
    },
  ]);
  await client.close();
});
