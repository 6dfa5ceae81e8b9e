import { describe, expect, test } from '@jest/globals';
import { EventPage } from '../../service/http/api/schemas/event-page';
import { Explanation } from '../../service/http/api/schemas/explain';
import { NodeList } from '../../service/http/api/schemas/node';
import { OrderResult } from '../../service/http/api/schemas/order';
import { RefusalList } from '../../service/http/api/schemas/refusal-list';
import { StreamDetail, StreamPage } from '../../service/http/api/schemas/stream';
import { avc } from '../support/rtmp/media';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { FleetOfFile } from '../support/servers/fleet';

const TOKEN = 'the-token-of-the-fleet';

const ofFile = FleetOfFile.start({ nodes: 2, callbacks: true, environment: { OPERATOR_TOKEN: TOKEN } });

async function ask(at: number, path: string, init: RequestInit = {}): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${ofFile.fleet.node(at).httpPort}/api/v1${path}`, init);
  return answer.json();
}

async function order(at: number, path: string, body: unknown = {}): Promise<OrderResult> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  return OrderResult.parse(await ask(at, path, { method: 'POST', headers, body: JSON.stringify(body) }));
}

/** Asks until the answer is as expected; the test's time limit ends the wait. */
async function until<T>(read: () => Promise<T>, isExpected: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await read();
    if (isExpected(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('any node of a fleet', () => {
  test('shows the streams of all nodes, with the players of all nodes', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    publisher.sendVideo(0, avc.sequenceHeader());
    publisher.sendVideo(1, avc.keyframe('a picture'));
    const near = await fleet.player(0, channel);
    const far = await fleet.player(1, channel);
    await Promise.all([near, far].map((player) => player.waitForPayload(avc.keyframe('a picture'))));
    for (const at of [0, 1]) {
      const page = StreamPage.parse(await ask(at, `/streams?q=${channel}`));
      expect(page).toMatchObject({ total: 1, unanswered: [], streams: [{ channel, node: 'n0', players: 2 }] });
      const detail = StreamDetail.parse(await ask(at, `/streams/${channel}`));
      expect(detail.playersByNode.map(({ node }) => node).sort()).toEqual(['n0', 'n1']);
      const flv = await fetch(`http://127.0.0.1:${fleet.node(at).httpPort}/api/v1/streams/${channel}/keyframe`);
      expect(Buffer.from(await flv.arrayBuffer()).includes(avc.keyframe('a picture'))).toBe(true);
    }
    const { nodes } = NodeList.parse(await ask(1, '/nodes'));
    expect(nodes.map(({ id, reachable }) => [id, reachable])).toEqual([
      ['n0', true],
      ['n1', true],
    ]);
    expect(Explanation.parse(await ask(1, `/streams/${channel}/explain`))).toMatchObject({
      verdict: 'live',
      holder: { node: 'n0', state: 'live', address: '127.0.0.1' },
    });
  });

  test('ends a stream of another node, and tells of what happened there', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    expect(await order(1, `/streams/${channel}/end`)).toMatchObject({ done: true, unanswered: [] });
    await publisher.expectClosed();
    const headers = { accept: 'application/json' };
    const { events } = await until(
      async () => EventPage.parse(await ask(1, `/events?channel=${channel}`, { headers })),
      (page) => page.events.length >= 3,
    );
    expect(events.map(({ node, type }) => [node, type])).toEqual([
      ['n0', 'publish.asked'],
      ['n0', 'publish.accepted'],
      ['n0', 'stream.ended'],
    ]);
    expect(events[2]).toMatchObject({ code: 'operator' });
  });

  test('keeps a channel out of the whole fleet, and says why', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    await order(0, `/streams/${channel}/block`, { seconds: 600 });
    await expect(fleet.publisher(1, channel)).rejects.toThrow();
    const why = Explanation.parse(await ask(0, `/streams/${channel}/explain`));
    expect(why.verdict).toBe('blocked');
    expect(why.blockedSeconds).toBeGreaterThan(500);
    expect(why.refusals).toMatchObject([{ node: 'n1', code: 'blocked', count: 1 }]);
    const { refusals } = RefusalList.parse(await ask(0, '/refusals'));
    expect(refusals.map((refusal) => refusal.channel)).toContain(channel);
    expect(await order(1, `/streams/${channel}/unblock`)).toMatchObject({ done: true });
    await fleet.publisher(1, channel);
  });

  test('takes no question from outside of the fleet, whatever the token of the operators', async () => {
    for (const authorization of [`Bearer ${TOKEN}`, `Node ${TOKEN}`, 'Node a.b.c']) {
      const body = JSON.stringify({ ask: 'streams', history: false });
      expect(await ask(0, '/node', { method: 'POST', headers: { authorization }, body })).toMatchObject({
        status: 401,
      });
    }
  });
});

test('a node that does not answer is named, and its streams are said to be missing', async () => {
  const { fleet } = ofFile;
  const silent = await fleet.newNode(7, { FLEET_ADVERTISE_HOST: 'node-7.invalid' });
  try {
    const page = await until(
      async () => StreamPage.parse(await ask(0, '/streams')),
      ({ unanswered }) => unanswered.length > 0,
    );
    expect(page.unanswered).toEqual([{ node: 'n7', reason: expect.stringContaining('HTTP_BIND_ADDRESS') }]);
    const { nodes } = NodeList.parse(await ask(0, '/nodes'));
    expect(nodes.find(({ id }) => id === 'n7')).toMatchObject({ reachable: false, streams: null });
  } finally {
    await silent.stop();
  }
});

test.each(['in order', 'by force'])('a node that ends %s is said to have left, once', async (how) => {
  const { fleet } = ofFile;
  const at = how === 'in order' ? 5 : 6;
  const leaving = await fleet.newNode(at);
  await leaving.stop(how === 'in order' ? 'SIGTERM' : 'SIGKILL');
  const headers = { accept: 'application/json' };
  const departures = async (): Promise<readonly string[]> =>
    EventPage.parse(await ask(0, '/events', { headers })).events.flatMap((event) =>
      event.type === 'node.left' && event.subject === `n${at}` ? [event.node] : [],
    );
  expect(await until(departures, ({ length }) => length > 0)).toHaveLength(1);
  // The roster of all nodes has changed by now.
  for (const node of [0, 1]) {
    await until(
      async () => NodeList.parse(await ask(node, '/nodes')),
      ({ nodes }) => nodes.every(({ id }) => id !== `n${at}`),
    );
  }
  expect(await departures()).toHaveLength(1);
});

test('the workers of a machine are nodes, which its one HTTP port answers for', async () => {
  const { fleet } = ofFile;
  const machine = await fleet.newNode(8, { WORKERS: '2' });
  try {
    const ids = (list: NodeList): string[] => list.nodes.filter(({ reachable }) => reachable).map(({ id }) => id);
    const list = await until(
      async () => NodeList.parse(await ask(0, '/nodes')),
      (each) => ids(each).length === 4,
    );
    expect(ids(list).filter((id) => id.startsWith('n8.'))).toHaveLength(2);
    const channel = fleet.newChannel();
    const publisher = await RtmpClient.publisher({ port: machine.rtmpPort, channel, key: 'key' });
    const asked = await fetch(`http://127.0.0.1:${machine.httpPort}/api/v1/streams/${channel}`);
    expect(StreamDetail.parse(await asked.json()).node).toMatch(/^n8\./);
    expect(await order(0, `/streams/${channel}/end`)).toMatchObject({ done: true });
    await publisher.expectClosed();
  } finally {
    await machine.stop();
  }
});
