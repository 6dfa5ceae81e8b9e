import { afterEach, expect, test } from '@jest/globals';
import { FleetOfFile } from '../support/servers/fleet';
import { eventOf } from '../support/servers/outputs-process';

const TOKEN = 'the-token-of-the-fleet';
const ofFile = FleetOfFile.start({
  nodes: 2,
  callbacks: true,
  environment: { OPERATOR_TOKEN: TOKEN, RECONNECT_GRACE_SECONDS: '60' },
});
afterEach(() => {
  for (const node of ofFile.fleet.nodes) node.program.signal('SIGCONT');
});

/** A channel whose publisher is connected, or has lost its connection and is waited for. */
async function streamOn(at: number, state: 'live' | 'held'): Promise<string> {
  const { fleet } = ofFile;
  const channel = fleet.newChannel();
  const publisher = await fleet.publisher(at, channel);
  if (state === 'held') {
    await publisher.connection.reset();
    await eventOf(fleet.node(at), 'stream.held', (event) => event.channel === channel);
  }
  return channel;
}

/** How the node says that the stream ended. */
function endOf(at: number, channel: string): Promise<{ readonly code: string; readonly reason: string }> {
  return eventOf(ofFile.fleet.node(at), 'stream.ended', (event) => event.channel === channel);
}

const BY_OPERATOR = { code: 'operator', reason: 'Stream ended by the operator' };

test.each(['live', 'held'] as const)('a stream that is %s and killed was ended by an operator', async (state) => {
  const { fleet } = ofFile;
  const channel = await streamOn(0, state);
  await fleet.redis.publish('rtmp_commands', `kill-session>${channel}`);
  expect(await endOf(0, channel)).toMatchObject(BY_OPERATOR);
});

test.each([0, 1])('so was a held one that is ended through the API of node %i', async (asked) => {
  const { fleet } = ofFile;
  const channel = await streamOn(0, 'held');
  const headers = { authorization: `Bearer ${TOKEN}` };
  const path = `/api/v1/streams/${channel}/end`;
  expect((await fetch(fleet.node(asked).httpUrl(path), { method: 'POST', headers })).status).toBe(200);
  expect(await endOf(0, channel)).toMatchObject(BY_OPERATOR);
});

test('streams of a node that was taken for dead are lost', async () => {
  const { fleet } = ofFile;
  const steady = await fleet.watchdog();
  const paused = 1 - steady;
  const channels = [await streamOn(paused, 'live'), await streamOn(paused, 'held')];
  fleet.node(paused).program.signal('SIGSTOP');
  // The other node sends the stops: both streams are over.
  for (const channel of channels) await fleet.journal.next(channel, 'stop');
  fleet.node(paused).program.signal('SIGCONT');
  for (const channel of channels) {
    expect(await endOf(paused, channel)).toMatchObject({
      code: 'lost',
      reason: 'The fleet could not reach this node and ended the stream, publish again',
    });
  }
});
