import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { EcsFleet } from '../support/aws/ecs-fleet';

/** Long: a test that needs the end of it has failed. */
const WAITS = { deregistrationMs: 30_000, stopMs: 10_000 };

jest.setTimeout(90_000);

let ecs: EcsFleet;
beforeEach(async () => {
  ecs = await EcsFleet.start({
    desiredCount: 2,
    callbacks: true,
    environment: {
      PROTECTION_MIN_PUBLISHERS: '2',
      PUBLISHER_TAKEOVER: 'YES',
      RECONNECT_GRACE_SECONDS: '5',
      DRAIN_SECONDS: '5',
    },
  });
});
afterEach(() => ecs.stop());

/** The handler names each stream, and accepts a resumed stream under its name. */
function nameStreams(channel: string): void {
  ecs.fleet.journal.answer(channel, ({ claims }) => {
    const resumed = claims['resume'];
    return { headers: { 'stream-id': typeof resumed === 'string' ? resumed : `id-of-${channel}` } };
  });
}

describe('a rolling deployment', () => {
  test('moves busy, protected tasks onto new ones: publishers and viewers go on, tasks end by themselves', async () => {
    const old = [await ecs.startTask(), await ecs.startTask()];
    const channels = ['a', 'b', 'c', 'd'];
    channels.forEach(nameStreams);
    const publishers = await Promise.all(
      channels.map((channel, i) => ecs.publisher(old[i % 2]!, channel, { moves: true })),
    );
    for (const node of old) await node.server.waitForLog(/\bprotected from scale-in/);
    expect(old.map(({ task }) => task.protectedUntil)).toEqual([expect.any(Date), expect.any(Date)]);

    ecs.service.deploy();
    const fresh = [await ecs.startTask(), await ecs.startTask()];
    const viewer = await ecs.player(fresh[0]!, 'a');
    await viewer.waitForPayload(publishers[0]!.nextFrame());
    // Released at once, however busy they are: ECS could not stop them otherwise.
    for (const node of old) await node.server.waitForLog(/no longer protected from scale-in/);
    expect(old.map(({ task }) => task.protectedUntil)).toEqual([undefined, undefined]);

    // The load balancer may send a publisher of the first one to the second, which is still registered.
    const ends = [await ecs.stopTask(old[0]!, WAITS), await ecs.stopTask(old[1]!, WAITS)];
    expect(ends).toEqual([
      { after: 'nothing', code: 0 },
      { after: 'nothing', code: 0 },
    ]);
    expect(old[1]!.server.log).toMatch(/the task is leaving and nobody is left: shutting down/);
    await viewer.waitForPayload(publishers[0]!.nextFrame());
    expect(viewer.statusCodes).not.toContain('NetStream.Play.UnpublishNotify');
    for (const channel of channels) expect(ecs.fleet.journal.events(channel)).not.toContain('stop');
  });
});

describe('scale-in', () => {
  test('lets an encoder that cannot move finish, turns others away before the handshake, and then ends', async () => {
    const [leaving, other] = [await ecs.startTask(), await ecs.startTask()];
    const publisher = await ecs.publisher(leaving, 'news');
    const viewer = await ecs.player(other, 'news');
    const stopping = ecs.stopTask(leaving, WAITS);
    await leaving.server.waitForLog(/ECS: this task is being stopped/);
    expect((await fetch(leaving.server.httpUrl('/readyz'))).status).toBe(503);
    expect((await fetch(leaving.server.httpUrl('/healthz'))).status).toBe(200);
    // A connection that the load balancer had accepted before it knew of the drain.
    const late = await ecs.connect(leaving);
    await late.connection.closed;
    expect(await (await fetch(leaving.server.httpUrl('/metrics'))).text()).toMatch(
      /rtmp_rejected_connections_total\{reason="leaving"\} 1/,
    );
    await viewer.waitForPayload(publisher.nextFrame());
    publisher.end();
    expect(await stopping).toEqual({ after: 'nothing', code: 0 });
    await ecs.fleet.journal.next('news', 'stop');
  });

  test('ends the rest after the deregistration delay, within the drain time and with every stop', async () => {
    const node = await ecs.startTask();
    const publisher = await ecs.publisher(node, 'endless');
    expect(await ecs.stopTask(node, { deregistrationMs: 2_500, stopMs: 15_000 })).toEqual({
      after: 'SIGTERM',
      code: 0,
    });
    await publisher.client.connection.closed;
    expect(ecs.fleet.journal.events('endless')).toEqual(['start', 'stop']);
  });
});

test('an ECS that refuses and an agent that hangs touch no stream, and are counted', async () => {
  ecs.api.refuseWith('ThrottlingException');
  const node = await ecs.startTask();
  node.endpoint.disturbAgent('hang');
  const publishers = [await ecs.publisher(node, 'one'), await ecs.publisher(node, 'two')];
  await node.server.waitForLog(/ECS does not do what the task asks for.*protect/);
  expect(await (await fetch(node.server.httpUrl('/metrics'))).text()).toMatch(
    /rtmp_ecs_calls_total\{call="protect",result="failed"\} [1-9]/,
  );
  const viewer = await ecs.player(node, 'one');
  await viewer.waitForPayload(publishers[0]!.nextFrame());
  ecs.api.refuseWith(undefined);
  node.endpoint.disturbAgent(undefined);
  await node.server.waitForLog(/\bprotected from scale-in/, 30_000);
  expect(node.task.protectedUntil).toEqual(expect.any(Date));
});
