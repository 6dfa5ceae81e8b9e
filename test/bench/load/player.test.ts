import { describe, expect, test } from '@jest/globals';
import { messageType } from '../wire/chunk-encoding';
import { type MediaTrack, stampOffset, timestampMs, videoTrack } from './media-track';
import { writeStamp } from './message-stamp';
import { monotonicMs } from './monotonic-clock';
import { Player } from './player';
import { Tally } from './tally';

const STREAM = 3;

interface Change {
  readonly sequence?: number;
  readonly stream?: number;
  readonly timestamp?: number;
  readonly flipByteAt?: number;
  readonly cutBytes?: number;
}

/** Hands a player the messages 0, 1 and 2 of a track, the middle one changed, in pieces of 20 bytes and more. */
function playWith(change: Change | 'missing' | 'none', verifyContent = true, track: MediaTrack = videoTrack): Tally {
  const tally = new Tally();
  const player = new Player(STREAM, verifyContent, tally);
  for (const index of [0, 1, 2]) {
    if (index === 1 && change === 'missing') continue;
    const applied = index === 1 && typeof change === 'object' ? change : {};
    const sequence = applied.sequence ?? index;
    const content = Buffer.from(track.payloads[sequence % track.payloads.length]!);
    writeStamp(content, stampOffset(content[0]!), applied.stream ?? STREAM, sequence, monotonicMs());
    if (applied.flipByteAt !== undefined) content[applied.flipByteAt]! ^= 1;
    const payload = content.subarray(0, content.length - (applied.cutBytes ?? 0));
    const message = {
      type: track.type,
      timestamp: applied.timestamp ?? timestampMs(track, sequence),
      length: payload.length,
      received: 0,
    };
    for (let at = 0, size = 20; at < payload.length; at += size, size *= 2) {
      const end = Math.min(payload.length, at + size);
      message.received = at;
      player.onPayload(message, payload, at, end);
    }
  }
  return tally;
}

describe('a player of the load generator', () => {
  test('has nothing to say about a stream as it was published', () => {
    expect(playWith('none')).toMatchObject({ messages: 3, lost: 0, duplicates: 0, corrupt: 0, timestampErrors: 0 });
  });

  test('counts a lost message', () => {
    expect(playWith('missing')).toMatchObject({ messages: 2, lost: 1, corrupt: 0 });
  });

  test('counts a message that comes twice', () => {
    expect(playWith({ sequence: 0 })).toMatchObject({ duplicates: 1 });
  });

  test.each([5, 40, 15_000])('counts a changed byte at %i', (flipByteAt) => {
    expect(playWith({ flipByteAt: Math.min(flipByteAt, videoTrack.payloads[1]!.length - 1) })).toMatchObject({
      messages: 2,
      corrupt: 1,
    });
  });

  test('counts a truncated message even when it does not check every byte', () => {
    expect(playWith({ cutBytes: 1 }, false)).toMatchObject({ corrupt: 1 });
  });

  test('counts a message of another stream', () => {
    expect(playWith({ stream: STREAM + 1 }, false)).toMatchObject({ corrupt: 1 });
  });

  test('counts a changed timestamp', () => {
    expect(playWith({ timestamp: 34 })).toMatchObject({ timestampErrors: 1 });
  });

  test('takes no notice of sequence headers', () => {
    const tally = new Tally();
    const { sequenceHeader } = videoTrack;
    const message = { type: messageType.video, timestamp: 0, length: sequenceHeader.length, received: 0 };
    new Player(STREAM, true, tally).onPayload(message, sequenceHeader, 0, sequenceHeader.length);
    expect(tally).toMatchObject({ messages: 0, corrupt: 0 });
  });
});
