import { describe, expect, test } from '@jest/globals';
import { type Fleet, FleetOfFile } from '../support/servers/fleet';
import type { RtmpClient } from '../support/rtmp/rtmp-client';
import { expectFlows } from '../support/servers/server-of-file';

const ofFile = FleetOfFile.start({
  callbacks: true,
  // Long enough for all that happens in a test.
  environment: { PUBLISHER_TAKEOVER: 'YES', RECONNECT_GRACE_SECONDS: '20' },
});

/** The handler gives each stream an id, and lets it continue; starts that continue one are answered after `delayMs`. */
function answer(fleet: Fleet, channel: string, delayMs: number): void {
  fleet.journal.answer(channel, ({ claims }) => {
    const resume = claims['resume'] as string | undefined;
    return { headers: { 'stream-id': resume ?? `id-of-${channel}` }, delayMs: resume === undefined ? 0 : delayMs };
  });
}

/** A publisher that the handler is being asked about. */
async function asked(fleet: Fleet, at: number, channel: string): Promise<RtmpClient> {
  const publisher = await fleet.connect(at, channel);
  await publisher.createStream();
  publisher.sendPublish('key');
  await fleet.journal.next(channel, 'start');
  return publisher;
}

const stops = (fleet: Fleet, channel: string): unknown[] =>
  fleet.journal.requests(channel, 'stop').map(({ claims }) => claims['stream_id']);

describe('a publisher that is asked about on another node, to continue a stream,', () => {
  test('and leaves before the answer: the stream stays live', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    answer(fleet, channel, 1_000);
    const first = await fleet.publisher(0, channel);
    await fleet.journal.next(channel, 'start');
    const viewer = await fleet.player(2, channel);
    await expectFlows(first, viewer, 'before');
    const second = await asked(fleet, 1, channel);
    await second.connection.reset();
    // Answered after the second was.
    const third = await asked(fleet, 1, channel);
    await third.waitForStatus('NetStream.Publish.Start');
    expect(stops(fleet, channel)).toEqual([]);
    third.deleteStream();
    expect((await fleet.journal.next(channel, 'stop')).claims['stream_id']).toBe(`id-of-${channel}`);
    expect(fleet.journal.events(channel).filter((event) => event === 'stop')).toHaveLength(1);
  });

  test('and is killed with it: the stream has one stop', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    answer(fleet, channel, 2_000);
    const first = await fleet.publisher(0, channel);
    await fleet.journal.next(channel, 'start');
    await first.connection.reset();
    await fleet.node(0).waitForLog(new RegExp(`channel held.*channel=${channel}`));
    const second = await asked(fleet, 1, channel);
    await fleet.redis.publish('rtmp_commands', `kill-session>${channel}`);
    const { description } = await second.waitForStatus('NetStream.Publish.BadName');
    expect(description).toBe('The stream was ended while the callback was asked, try again');
    await fleet.publisher(2, channel);
    expect(stops(fleet, channel)).toEqual([`id-of-${channel}`]);
  });

  test('while another one is on a third node: they are asked about one after the other, without a stop', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    answer(fleet, channel, 1_000);
    const first = await fleet.publisher(0, channel);
    await fleet.journal.next(channel, 'start');
    await first.connection.reset();
    await fleet.node(0).waitForLog(new RegExp(`channel held.*channel=${channel}`));
    const others = await Promise.all([1, 2].map((at) => fleet.connect(at, channel)));
    await Promise.all(others.map((other) => other.createStream()));
    for (const other of others) other.sendPublish('key');
    const answers = await Promise.all(others.map((other) => other.nextStatus()));
    expect(answers.map(({ code }) => code)).toContain('NetStream.Publish.Start');
    expect(stops(fleet, channel)).toEqual([]);
  });
});
