import { beforeEach, describe, expect, test } from '@jest/globals';
import { CommandHandler } from '../../../service/operators/command-handler';
import { Hub } from '../../../service/hub/hub';
import type { Publication } from '../../../service/hub/publication';
import type { Publisher } from '../../../service/hub/publisher';
import { FakePlayer } from '../hub/fake-player';
import { StreamRig } from '../hub/stream-rig';

class FakePublisher implements Publisher {
  readonly clientIp = '192.0.2.1';
  readonly software = 'test';
  readonly kills: string[] = [];

  constructor(readonly isRelay = false) {}

  kill(reason: string): void {
    this.kills.push(reason);
  }

  displaced(): void {}
}

let hub: Hub;
let heldThatEnded: Publication[];
let drains: number;
let handler: CommandHandler;

beforeEach(() => {
  hub = new Hub(new StreamRig().env);
  heldThatEnded = [];
  drains = 0;
  const drain = (): void => {
    drains += 1;
  };
  const isHeld = ({ channel }: Publication): boolean => channel === 'held';
  const endHeld = (publication: Publication): void => void heldThatEnded.push(publication);
  handler = new CommandHandler({ hub, isHeld, endHeld, nodeIds: ['node-1', 'machine-1'], drain });
});

function publish(name: string, streamId: string, publisher = new FakePublisher()): FakePublisher {
  const channel = hub.channel(name);
  channel.reserve(publisher);
  channel.begin(publisher, { key: 'secret-key', grant: { streamId }, admitsKey: () => true });
  return publisher;
}

describe('a command that ends a stream', () => {
  test.each([
    { verb: 'kill-session', channel: 'ch' },
    { verb: 'close-stream', channel: 'ch', streamIds: ['other', 'id-1'] },
    { verb: 'block', channel: 'ch', seconds: 60 },
  ] as const)('disconnects the publisher: $verb', (command) => {
    const publisher = publish('ch', 'id-1');
    const neighbour = publish('neighbour', 'id-1');
    const outcome = handler.execute(command);
    expect(outcome).toMatchObject({ acted: true, detail: 'publisher disconnected' });
    // The block is stored in between.
    expect(publisher.kills).toEqual([]);
    outcome.end?.();
    expect(publisher.kills).toHaveLength(1);
    expect(neighbour.kills).toEqual([]);
  });

  test('leaves a stream with another id, and a relay, alone', () => {
    const publisher = publish('ch', 'id-1');
    const relay = publish('elsewhere', 'id-2', new FakePublisher(true));
    expect(handler.execute({ verb: 'close-stream', channel: 'ch', streamIds: ['id-2'] }).acted).toBe(false);
    expect(handler.execute({ verb: 'kill-session', channel: 'elsewhere' }).acted).toBe(false);
    expect(handler.execute({ verb: 'kill-session', channel: 'nobody' }).acted).toBe(false);
    expect([...publisher.kills, ...relay.kills]).toEqual([]);
  });

  test('that finds another id says which one there is, or that there is none', () => {
    publish('named', 'id-1');
    publish('nameless', '');
    const close = (channel: string, ...streamIds: string[]) =>
      handler.execute({ verb: 'close-stream', channel, streamIds });
    for (const id of ['id-2', ''])
      expect(close('named', id).detail).toBe('the live stream has the id id-1, kill-session would end it');
    expect(close('nameless', 'id-1').detail).toBe('the live stream has no id, kill-session would end it');
    expect(close('nameless', '').acted).toBe(true);
  });

  test('ends a stream that is held here for a lost publisher, not one that waits for another node', () => {
    const [held, moved] = [publish('held', 'id-1'), publish('moved', 'id-2')];
    hub.find('held')?.hold(held);
    hub.find('moved')?.hold(moved);
    const outcome = handler.execute({ verb: 'kill-session', channel: 'held' });
    expect(outcome.acted).toBe(true);
    outcome.end?.();
    expect(handler.execute({ verb: 'kill-session', channel: 'moved' }).acted).toBe(false);
    expect(heldThatEnded.map(({ channel }) => channel)).toEqual(['held']);
  });
});

describe('a command for nodes', () => {
  test('to drain is for the one that is named', () => {
    const detail = 'it means another node, this one is node-1';
    expect(handler.execute({ verb: 'drain', node: 'node-2' })).toEqual({ acted: false, detail });
    expect(drains).toBe(0);
    expect(handler.execute({ verb: 'drain', node: 'node-1' })).toEqual({ acted: true, detail: 'draining' });
    expect(drains).toBe(1);
    expect(handler.execute({ verb: 'drain', node: 'machine-1' }).acted).toBe(true);
  });

  test('to list names the streams that are published here, without their keys, and counts their viewers', () => {
    publish('ch', 'id-1');
    for (const isRelay of [false, true]) hub.channel('ch').addPlayer(new FakePlayer({ isRelay }).player);
    publish('elsewhere', 'id-2', new FakePublisher(true));
    const outcome = handler.execute({ verb: 'list' });
    expect(outcome).toEqual({
      acted: true,
      detail: '1 stream is live',
      streams: [{ channel: 'ch', streamId: 'id-1', client: '192.0.2.1', players: 1 }],
    });
  });

  test('to list says how many streams it leaves out', () => {
    for (let i = 0; i < 1_001; i += 1) publish(`ch-${i}`, `id-${i}`);
    const { detail, streams } = handler.execute({ verb: 'list' });
    expect(detail).toBe('1001 streams are live, the last 1 are not listed');
    expect(streams).toHaveLength(1_000);
  });
});
