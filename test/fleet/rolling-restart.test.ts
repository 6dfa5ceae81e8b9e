import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Fleet } from '../support/servers/fleet';
import { FleetFront } from '../support/servers/fleet-front';
import { LivePublisher } from '../support/rtmp/live-publisher';
import { LiveViewer } from '../support/rtmp/live-viewer';

const STREAMS = 30;
const GOP = 5;

let fleet: Fleet;
let front: FleetFront;

beforeAll(async () => {
  const environment = { RECONNECT_GRACE_SECONDS: '5', DRAIN_SECONDS: '30', PUBLISHER_TAKEOVER: 'YES' };
  fleet = await Fleet.start({ callbacks: true, environment });
  front = await FleetFront.start(fleet);
});
afterAll(async () => {
  await front.stop();
  await fleet.stop();
});

test('all nodes are replaced one after the other under live publishers: no stream and no keyframe is lost', async () => {
  let ids = 0;
  const port = (): number => front.port;
  const streams = await Promise.all(
    Array.from({ length: STREAMS }, async () => {
      const channel = fleet.newChannel();
      fleet.journal.answer(channel, ({ claims }) => {
        ids += 1;
        return { headers: { 'stream-id': (claims['resume'] as string | undefined) ?? `stream-${ids}` } };
      });
      const publisher = await LivePublisher.start({ channel, port, gop: GOP });
      return { channel, publisher, viewer: await LiveViewer.start({ channel, port }) };
    }),
  );
  for (const { viewer } of streams) await viewer.sees(2);

  for (const at of [0, 1, 2]) {
    expect(await fleet.node(at).stop()).toBe(0);
    await fleet.restartNode(at);
    await front.follow(at);
  }

  let moves = 0;
  await Promise.all(streams.map(({ publisher, viewer }) => viewer.sees(publisher.sent + GOP)));
  for (const { channel, publisher, viewer } of streams) {
    expect(publisher.failures).toEqual([]);
    expect({ channel, missing: viewer.missing.filter((number) => number % GOP === 0) }).toEqual({
      channel,
      missing: [],
    });
    expect({ channel, disorder: viewer.disorder }).toEqual({ channel, disorder: [] });
    expect(viewer.codes).not.toContain('NetStream.Play.UnpublishNotify');
    expect(fleet.journal.requests(channel, 'start')).toHaveLength(1 + publisher.moves);
    expect(fleet.journal.requests(channel, 'stop')).toEqual([]);
    moves += publisher.moves;
  }
  // Each node had its share, and streams that had moved to a node before its restart moved again.
  expect(moves).toBeGreaterThanOrEqual(STREAMS);
  for (const { publisher } of streams) publisher.stop();
  for (const { channel } of streams) await fleet.journal.next(channel, 'stop');
  for (const { viewer } of streams) viewer.close();
}, 90_000);
