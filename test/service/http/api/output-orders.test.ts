import { expect, test } from '@jest/globals';
import type { FleetView } from '../../../../service/http/api/fleet-view';
import { giveOutputOrder } from '../../../../service/http/api/output-orders';
import type { Answer } from '../../../../service/http/api/questions';
import { OrderResult } from '../../../../service/http/api/schemas/order';
import { Problem } from '../../../../service/http/api/schemas/problem';
import { StreamDetail } from '../../../../service/http/api/schemas/stream';
import { LivePublisher } from '../../../support/rtmp/live-publisher';
import { startTestNode } from '../../../support/servers/test-node';
import { get, post, TOKEN } from './api-client';

const SECRET = 's3cr3t';
const ELSEWHERE = { acted: false, detail: 'the publisher is not on this node', isHere: false };

function fleetOf(answers: readonly Answer<'output'>[], silent = 0): FleetView {
  const unanswered = Array.from({ length: silent }, (_, at) => ({ node: `silent${at}`, reason: 'no answer' }));
  return {
    ask: () => Promise.resolve({ answers: answers.map((answer, at) => ({ node: `n${at}`, answer })), unanswered }),
  } as unknown as FleetView;
}

test('the node that has the publisher says what an order did', async () => {
  const acted = { acted: true, detail: 'forward to rtmp://host/app added', isHere: true };
  const order = { does: 'addForward', url: `rtmp://host/app/${SECRET}` } as const;
  const result = await giveOutputOrder(fleetOf([ELSEWHERE, acted, ELSEWHERE]), 'news', order);
  expect(result).toMatchObject({ order: 'forward', target: 'news', done: true, sentence: acted.detail });
  expect(result.nodes.map((node) => node.acted)).toEqual([false, true, false]);
});

test('of a stream that moves, the node that acted counts', async () => {
  const refused = { acted: false, detail: 'rtmp-outputs is not running', isHere: true };
  const acted = { acted: true, detail: 'recording', isHere: true };
  const result = await giveOutputOrder(fleetOf([refused, acted]), 'news', { does: 'startRecording' });
  expect(result).toMatchObject({ order: 'record', done: true, sentence: 'recording' });
});

test('why nothing was done is said by the node that has the publisher', async () => {
  const refused = { acted: false, detail: 'rtmp-outputs is not running', isHere: true };
  const result = await giveOutputOrder(fleetOf([ELSEWHERE, refused]), 'news', { does: 'stopRecording' });
  expect(result).toMatchObject({ order: 'stopRecording', done: false, sentence: refused.detail });
});

test('no node has the publisher', async () => {
  const result = await giveOutputOrder(fleetOf([ELSEWHERE], 2), 'news', { does: 'remove', id: 'forward-1' });
  expect(result).toMatchObject({
    order: 'removeOutput',
    done: false,
    sentence: 'No stream is live on the channel news. 2 nodes did not answer.',
  });
});

test.each([
  ['forward', { url: `http://host/app/${SECRET}` }, /In the body, url: the address is not of the form rtmp/],
  ['forward', { url: `rtmp://host/${SECRET}` }, /names no stream key/],
  ['forward', { url: `rtmp://host/app/key`, key: SECRET }, /In the body/],
  ['record', { formats: [SECRET] }, /In the body, formats/],
  ['record', { formats: [] }, /In the body, formats/],
  ['remove-output', {}, /In the body, output/],
])('the order %s with the body %j is refused, and the secret not repeated', async (order, body, detail) => {
  const node = await startTestNode({ OPERATOR_TOKEN: TOKEN });
  const { status, json } = await post(node, `/streams/news/${order}`, body);
  expect(status).toBe(400);
  expect(Problem.parse(json).detail).toMatch(detail);
  expect(JSON.stringify([json, node.log.lines])).not.toContain(`/${SECRET}`);
});

test.each([
  ['forward', { url: 'rtmp://host/app/key' }],
  ['record', {}],
  ['stop-recording', undefined],
  ['remove-output', { output: 'record-1' }],
])('the order %s needs the token', async (order, body) => {
  const node = await startTestNode({ OPERATOR_TOKEN: TOKEN });
  const { status, json } = await post(node, `/streams/news/${order}`, body, {});
  expect(status).toBe(401);
  expect(Problem.parse(json).code).toBe('tokenNeeded');
});

test('a node without outputs shows none, and says what to set', async () => {
  const node = await startTestNode({ OPERATOR_TOKEN: TOKEN });
  const publisher = await LivePublisher.start({ channel: 'news', key: 'k', port: () => node.ports.rtmp });
  try {
    expect(StreamDetail.parse((await get(node, '/streams/news')).json).outputs).toEqual([]);
    const { json } = await post(node, '/streams/news/record', {});
    expect(OrderResult.parse(json)).toMatchObject({ done: false, sentence: expect.stringContaining('OUTPUTS=YES') });
  } finally {
    publisher.stop();
  }
  const { json } = await post(node, '/streams/other/forward', { url: `rtmp://host/app/${SECRET}` });
  expect(OrderResult.parse(json)).toMatchObject({ done: false, sentence: 'No stream is live on the channel other.' });
  expect(JSON.stringify([json, node.log.lines])).not.toContain(SECRET);
});
