import { beforeEach, describe, expect, test } from '@jest/globals';
import { EventBus } from '../../../service/events/event-bus';
import type { Channel } from '../../../service/hub/channel';
import { Hub } from '../../../service/hub/hub';
import type { Publication } from '../../../service/hub/publication';
import type { Publisher } from '../../../service/hub/publisher';
import { StreamTeller } from '../../../service/node/stream-teller';
import { MessageType } from '../../../service/protocol/message-types';
import { keyframe, StreamRig } from '../hub/stream-rig';

const begins = { key: 'key', grant: { streamId: 'id' }, admitsKey: () => true };

/** A client of this node, or another node's stream. */
class Source implements Publisher {
  readonly clientIp = '192.0.2.1';
  readonly software = 'test';

  constructor(readonly isRelay: boolean) {}

  kill(): void {}
  displaced(): void {}
}

const client = (): Source => new Source(false);
const relay = (): Source => new Source(true);

let teller: StreamTeller;
let channel: Channel;
let told: string[];

beforeEach(() => {
  told = [];
  const events = new EventBus({ node: () => 'node-1' });
  events.listen(({ type }) => told.push(`event ${type}`));
  teller = new StreamTeller(events, () => 0);
  teller.listen({
    live: () => told.push('live'),
    held: () => told.push('held'),
    ended: (_, code) => told.push(code),
  });
  channel = new Hub({ ...new StreamRig().env, observer: teller }).channel('channel');
});

function begin(source: Source): Publication {
  channel.reserve(source, true);
  return channel.begin(source, begins);
}

/** The source waits for its first keyframe, while the former one sends on. */
function goOn(source: Source): Publication['inlet'] {
  channel.reserve(source, true);
  return channel.resume(source, begins, true).inlet;
}

const firstKeyframe = (inlet: Publication['inlet']): void => inlet.appendMedia(MessageType.Video, 0, keyframe('first'));

describe('a stream that continues on another node', () => {
  test('has moved when its publisher has left, not before', () => {
    const publisher = client();
    const publication = begin(publisher);
    teller.movedAway(publication);
    expect(told).toEqual(['live']);
    expect(teller.isOwn(publication)).toBe(false);
    channel.hold(publisher);
    expect(told).toEqual(['live', 'moved']);
  });

  test('has moved when frames of the other node are served, not when its publisher is only known there', () => {
    teller.movedAway(begin(client()));
    const inlet = goOn(relay());
    expect(told).toEqual(['live']);
    firstKeyframe(inlet);
    expect(told).toEqual(['live', 'moved']);
  });

  test('has moved when its publisher has left, although nothing of the other node has come', () => {
    const publisher = client();
    teller.movedAway(begin(publisher));
    goOn(relay());
    expect(told).toEqual(['live']);
    channel.hold(publisher);
    expect(told).toEqual(['live', 'moved']);
  });

  test('has moved at once while it is held', () => {
    const publisher = client();
    const publication = begin(publisher);
    channel.hold(publisher);
    told.length = 0;
    teller.movedAway(publication);
    expect(told).toEqual(['moved']);
  });

  test('ends here without an event of its end', () => {
    const publication = begin(client());
    teller.movedAway(publication);
    channel.end(publication);
    expect(told).toEqual(['live', 'moved']);
  });

  test('is live here again when its publisher comes back', () => {
    const publication = begin(client());
    teller.movedAway(publication);
    firstKeyframe(goOn(relay()));
    told.length = 0;
    firstKeyframe(goOn(client()));
    expect(told).toEqual(['live']);
    expect(teller.isOwn(publication)).toBe(true);
  });
});
