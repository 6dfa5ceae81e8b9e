import { afterEach, expect, test } from '@jest/globals';
import { Event } from '../../../../service/http/api/schemas/event';
import { EventPage } from '../../../../service/http/api/schemas/event-page';
import { Figures } from '../../../../service/http/api/schemas/figures';
import { Problem } from '../../../../service/http/api/schemas/problem';
import { RtmpClient } from '../../../support/rtmp/rtmp-client';
import { startTestNode, type TestNode } from '../../../support/servers/test-node';
import { get } from './api-client';
import { EventReader } from './event-reader';

const readers: EventReader[] = [];

afterEach(() => {
  for (const reader of readers.splice(0)) reader.close();
});

async function follow(node: TestNode, query = '', lastId?: string): Promise<EventReader> {
  const reader = await EventReader.open(node, query, lastId);
  readers.push(reader);
  return reader;
}

async function publishOnce(node: TestNode, channel: string): Promise<void> {
  const client = await RtmpClient.publisher({ port: node.ports.rtmp, channel, key: 'key' });
  client.deleteStream();
  await client.roundTrip();
  await client.close();
}

/** Events before the first round of questions are none of "from now on". */
async function untilFollowing(node: TestNode): Promise<EventReader> {
  const reader = await follow(node, '?figures=true');
  await reader.next('figures');
  return reader;
}

test('events arrive as they happen, and satisfy the schema', async () => {
  const node = await startTestNode();
  const reader = await untilFollowing(node);
  expect(reader.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  await publishOnce(node, 'news');
  for (const type of ['publish.asked', 'publish.accepted', 'stream.ended']) {
    const { id, name, data } = await reader.next('publish.asked', 'publish.accepted', 'stream.ended');
    expect(name).toBe(type);
    expect(Event.parse(data)).toMatchObject({ id, type, channel: 'news' });
  }
});

test('a client that comes back with the id of its last event gets those that it missed, and no other again', async () => {
  const node = await startTestNode();
  const first = await untilFollowing(node);
  await publishOnce(node, 'news');
  const asked = await first.next('publish.asked');
  first.close();
  await publishOnce(node, 'sport');
  const second = await follow(node, '', asked.id);
  const missed: string[] = [];
  for (let i = 0; i < 5; i += 1) {
    const { data } = await second.next();
    missed.push(`${String(data.type)} ${String(data.channel)}`);
  }
  expect(missed).toEqual([
    'publish.accepted news',
    'stream.ended news',
    'publish.asked sport',
    'publish.accepted sport',
    'stream.ended sport',
  ]);
});

test('a client may follow one channel', async () => {
  const node = await startTestNode();
  const following = await untilFollowing(node);
  const reader = await follow(node, '?channel=sport');
  await publishOnce(node, 'news');
  await publishOnce(node, 'sport');
  expect((await reader.next()).data).toMatchObject({ type: 'publish.asked', channel: 'sport' });
  following.close();
});

test('figures of all streams come with the events, for clients that want them', async () => {
  const node = await startTestNode();
  const client = await RtmpClient.publisher({ port: node.ports.rtmp, channel: 'news', key: 'key' });
  const reader = await follow(node, '?figures=true');
  const figures = Figures.parse((await reader.next('figures')).data);
  expect(figures).toMatchObject({ streams: [{ channel: 'news', players: 0 }], unanswered: [] });
  await client.close();
});

test('the events so far are a page, too', async () => {
  const node = await startTestNode();
  await publishOnce(node, 'news');
  const { json } = await get(node, '/events?channel=news', { headers: { accept: 'application/json' } });
  expect(EventPage.parse(json).events.map(({ type }) => type)).toEqual([
    'publish.asked',
    'publish.accepted',
    'stream.ended',
  ]);
});

test('one address can follow with 64 clients, which leaves places for others', async () => {
  const node = await startTestNode();
  for (let i = 0; i < 64; i += 1) await follow(node);
  const answer = await get(node, '/events');
  expect(answer.status).toBe(503);
  expect(Problem.parse(answer.json).code).toBe('tooManyClients');
  expect((await node.page('/healthz')).status).toBe(200);
});

test('a publish with a key that is no name is a refusal of its channel, which counts, and the key is not told', async () => {
  const node = await startTestNode();
  const reader = await untilFollowing(node);
  const refuse = async (name: string): Promise<void> => {
    const client = await RtmpClient.connect({ port: node.ports.rtmp, app: 'news' });
    await expect(client.publish(name)).rejects.toThrow('BadName');
    client.connection.socket.destroy();
  };
  for (const [at, name] of ['a key!', 'another key!'].entries()) {
    await refuse(name);
    const { data } = await reader.next('publish.refused');
    expect(Event.parse(data)).toMatchObject({ channel: 'news', code: 'badName', count: at + 1 });
    expect(JSON.stringify(data)).not.toContain('key!');
  }
  // A channel that is no valid name is not told, a valid one before a bad key is.
  await refuse('no channel!/key');
  await refuse('sport/a key!');
  const { data } = await reader.next('publish.refused');
  expect(data).toMatchObject({ channel: 'sport', count: 1 });
});
