import { beforeEach, describe, expect, test } from '@jest/globals';
import { type ContinuedStream, NextSource } from '../../../service/hub/next-source';
import type { Publisher } from '../../../service/hub/publisher';
import type { PayloadSink } from '../../../service/protocol/chunk/payload-sink';
import type { DataMessage } from '../../../service/protocol/message/data-message';
import { MessageType } from '../../../service/protocol/message-types';
import { aac, avc } from '../../support/rtmp/media';

/** Notes what arrives, in order. */
class FakeStream implements ContinuedStream {
  hasVideo = true;
  readonly arrived: string[] = [];

  sourceLeft(): void {}

  openMedia(typeId: number, timestamp: number, length: number): PayloadSink {
    const parts: Buffer[] = [];
    return {
      append: (source, start, end) => void parts.push(Buffer.from(source.subarray(start, end))),
      complete: () => this.arrived.push(`opened ${typeId} @${timestamp} ${name(Buffer.concat(parts))} of ${length}`),
      abort: () => undefined,
    };
  }

  appendMedia(typeId: number, timestamp: number, payload: Buffer): void {
    this.arrived.push(`${typeId} @${timestamp} ${name(payload)}`);
  }

  appendData(timestamp: number, message: DataMessage): void {
    this.arrived.push(`data @${timestamp} ${message.name}`);
  }
}

const named = new Map<string, string>();
const payload = (label: string, bytes: Buffer): Buffer => {
  named.set(bytes.toString('hex'), label);
  return bytes;
};
const name = (bytes: Buffer): string => named.get(bytes.toString('hex')) ?? bytes.toString('hex');
const keyframe = (label: string): Buffer => payload(label, avc.keyframe(label));
const interFrame = (label: string): Buffer => payload(label, avc.interFrame(label));
const audio = (label: string): Buffer => payload(label, aac.frame(label));
const metadata: DataMessage = { payload: Buffer.of(2), isMetadata: true, name: 'onMetaData', metadata: undefined };
const cuePoint: DataMessage = { ...metadata, isMetadata: false, name: 'onCuePoint' };

let stream: FakeStream;
let next: NextSource;
beforeEach(() => {
  stream = new FakeStream();
  const publisher: Publisher = { clientIp: '192.0.2.1', software: '', isRelay: false, kill() {}, displaced() {} };
  next = new NextSource(publisher, stream, (withVideo, feed) => {
    stream.arrived.push(withVideo ? 'taken over' : 'taken over with audio');
    feed();
  });
});

/** In pieces, as a session passes it on. */
function send(typeId: number, timestamp: number, bytes: Buffer): void {
  const sink = next.openMedia(typeId, timestamp, bytes.length);
  sink.append(bytes, 0, 3);
  sink.append(bytes, 3, bytes.length);
  sink.complete();
}

test('a source takes over with its first keyframe: description and headers go before it, nothing else', () => {
  next.appendData(0, metadata);
  next.appendData(0, cuePoint);
  send(MessageType.Audio, 0, payload('audio header', aac.sequenceHeader()));
  send(MessageType.Video, 0, payload('video header', avc.sequenceHeader()));
  send(MessageType.Video, 0, interFrame('i0'));
  send(MessageType.Audio, 10, audio('a1'));
  expect(stream.arrived).toEqual([]);
  send(MessageType.Video, 40, keyframe('k2'));
  send(MessageType.Video, 80, interFrame('i3'));
  next.appendMedia(MessageType.Audio, 90, audio('a4'));
  next.appendData(90, cuePoint);
  expect(stream.arrived).toEqual([
    'taken over',
    'data @0 onMetaData',
    '8 @0 audio header',
    '9 @0 video header',
    '9 @40 k2',
    `opened 9 @80 i3 of ${avc.interFrame('i3').length}`,
    '8 @90 a4',
    'data @90 onCuePoint',
  ]);
});

test('a message that began before the keyframe was whole comes after it', () => {
  const early = audio('early');
  const sink = next.openMedia(MessageType.Audio, 39, early.length);
  sink.append(early, 0, 2);
  send(MessageType.Video, 40, keyframe('k'));
  sink.append(early, 2, early.length);
  sink.complete();
  expect(stream.arrived).toEqual(['taken over', '9 @40 k', '8 @39 early']);
});

test('a message that is cut off is none', () => {
  next.openMedia(MessageType.Video, 0, 100).abort();
  expect(stream.arrived).toEqual([]);
});

describe('without a keyframe', () => {
  test('a stream of audio alone goes on with the first frame', () => {
    stream.hasVideo = false;
    send(MessageType.Audio, 0, payload('header', aac.sequenceHeader()));
    send(MessageType.Audio, 20, audio('a'));
    expect(stream.arrived).toEqual(['taken over with audio', '8 @0 header', '8 @20 a']);
  });

  test('a stream with video goes on after five seconds of audio alone', () => {
    for (let time = 0; time <= 5_000; time += 1_000) send(MessageType.Audio, time, audio(`a${time}`));
    expect(stream.arrived).toEqual([]);
    send(MessageType.Audio, 6_000, audio('a6000'));
    expect(stream.arrived).toEqual(['taken over with audio', '8 @6000 a6000']);
  });

  test('a stream with video waits as long as video comes', () => {
    for (let time = 0; time <= 20_000; time += 1_000) {
      send(MessageType.Video, time, interFrame('i'));
      send(MessageType.Audio, time, audio('a'));
    }
    expect(stream.arrived).toEqual([]);
  });
});

test('one that was given up is not heard, whatever it sends', () => {
  send(MessageType.Video, 0, payload('header', avc.sequenceHeader()));
  next.abandon();
  next.appendData(0, metadata);
  send(MessageType.Video, 0, keyframe('k'));
  next.appendMedia(MessageType.Video, 0, keyframe('k'));
  expect(stream.arrived).toEqual([]);
});

test('one that has taken over cannot be given up', () => {
  send(MessageType.Video, 0, keyframe('k1'));
  next.abandon();
  next.appendMedia(MessageType.Video, 40, keyframe('k2'));
  expect(stream.arrived).toEqual(['taken over', '9 @0 k1', '9 @40 k2']);
});

test('headers that never end do not add up', () => {
  // A publisher may send large messages, but only a limited number of large headers.
  for (let record = 0; record < 1_000; record += 1) {
    const header = avc.sequenceHeader(Buffer.alloc(70_000, record));
    next.appendMedia(MessageType.Video, 0, header);
  }
  next.appendMedia(MessageType.Video, 0, keyframe('k'));
  expect(stream.arrived).toEqual(['taken over', '9 @0 k']);
});

test('headers come in the order in which they came last', () => {
  const config = (label: string, ...bytes: number[]): Buffer => payload(label, Buffer.from(bytes));
  const many = config('many tracks', 0x96, 0x10, 0x68, 0x76, 0x63, 0x31, 0, 0, 0, 1, 1);
  const one = config('one track', 0x90, 0x68, 0x76, 0x63, 0x31, 2);
  for (const header of [many, one, many]) send(MessageType.Video, 0, header);
  send(MessageType.Video, 40, keyframe('k'));
  expect(stream.arrived).toEqual(['taken over', '9 @0 one track', '9 @0 many tracks', '9 @40 k']);
});
