import { describe, expect, test } from '@jest/globals';
import type { PlayerFormat } from '../../../service/hub/player-format';
import { FlvReader } from '../../support/rtmp/flv-file';
import { fingerprints } from '../../support/servers/server-of-file';
import type { FakePlayer } from './fake-player';
import { videoManyTracks, videoOneTrack } from '../../support/rtmp/enhanced-media';
import { aacFrame, aacHeader, avcHeader, interFrame, keyframe, StreamRig } from './stream-rig';

/** Tags between marks, so that a piece can be told from the next. */
const marked = (mark: string): PlayerFormat => ({
  protocol: mark === '<' ? 'http-flv' : 'ws-flv',
  headBytes: 1,
  tailBytes: 1,
  wrap(piece, end) {
    piece.write(mark, 0);
    piece.write(mark, end);
    return piece.subarray(0, end + 1);
  },
});
const first = marked('<');
const second = marked('|');
const bare: PlayerFormat = {
  protocol: 'http-flv',
  headBytes: 0,
  tailBytes: 0,
  wrap: (piece, end) => piece.subarray(0, end),
};

const FILE_HEADER = Buffer.from('464c5601050000000900000000', 'hex');

/** What a player of the format `bare` has received. */
function received({ outlet }: FakePlayer): string[] {
  const reader = new FlvReader();
  reader.push(Buffer.concat([FILE_HEADER, outlet.sent]));
  return reader.media.map(({ kind, timestamp, payload }) => {
    return `${kind} ${timestamp} ${payload.toString('latin1', kind === 'video' ? 5 : 2)}`;
  });
}

test('players of a format share the same bytes, and players of another the same tags', () => {
  const rig = new StreamRig();
  const [a, b, other, rtmp] = [
    rig.join({ format: first }),
    rig.join({ format: first }),
    rig.join({ format: second }),
    rig.join(),
  ];
  rig.video(0, keyframe('k'));
  rig.audio(5, aacFrame('a'));
  rig.flush();
  expect(a.outlet.writes).toBe(1);
  expect(b.outlet.last).toBe(a.outlet.last);
  const tags = (player: FakePlayer): Buffer => player.outlet.last!.subarray(1, -1);
  expect(a.outlet.last!.toString('latin1').at(0)).toBe('<');
  expect(other.outlet.last!.toString('latin1').at(-1)).toBe('|');
  expect(tags(other).equals(tags(a))).toBe(true);
  expect(rig.received(rtmp)).toEqual(['video 0 k', 'audio 5 a']);
  expect(rig.traffic.messagesOut).toBe(8);
});

describe('FLV tags', () => {
  test('have the messages of any size and timestamp, whatever the chunks', () => {
    for (const chunkSize of [128, 4096, 65_536]) {
      const rig = new StreamRig({ chunkSize });
      const player = rig.join({ format: bare });
      const times = [0, 1, 0xfffffe, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000];
      const media = times.map((timestamp, i) => ({
        kind: 'video' as const,
        timestamp,
        payload: keyframe('x'.repeat([0, 122, 123, 124, 4_091, 70_000, 300_000][i]!)),
      }));
      for (const { timestamp, payload } of media) rig.video(timestamp, payload);
      rig.flush();
      const reader = new FlvReader();
      reader.push(Buffer.concat([FILE_HEADER, player.outlet.sent]));
      expect(fingerprints(reader.media)).toEqual(fingerprints(media));
    }
  });

  test('contain data messages, with their type', () => {
    const rig = new StreamRig();
    const player = rig.join({ format: bare });
    rig.data(7, 'onText', 'words');
    rig.flush();
    expect(player.outlet.sent[0]).toBe(18);
    expect(player.outlet.sent.toString('latin1')).toContain('onText');
  });
});

test('a late player gets metadata, headers and the cached start; the others notice nothing', () => {
  const rig = new StreamRig();
  const early = rig.join({ format: bare });
  rig.data(0, 'onMetaData', { width: 2 });
  rig.video(0, avcHeader('vh'));
  rig.audio(0, aacHeader('ah'));
  for (const time of [0, 1000]) {
    rig.video(time, keyframe(`k${time}`));
    rig.audio(time, aacFrame(`a${time}`));
  }
  rig.flush();
  const before = early.outlet.writes;
  const late = rig.join({ format: bare });
  expect(late.outlet.sent[0]).toBe(18);
  expect(received(late)).toEqual(['audio 0 ah', 'video 0 vh', 'video 1000 k1000', 'audio 1000 a1000']);
  expect(early.outlet.writes).toBe(before);
  rig.video(1040, interFrame('i'));
  rig.flush();
  expect(received(late).at(-1)).toBe('video 1040 i');
  expect(received(early).at(-1)).toBe('video 1040 i');
});

test('a player that cannot keep up skips to a keyframe, and gets whole tags only', () => {
  const rig = new StreamRig();
  const slow = rig.join({ format: bare, fast: false });
  const quick = rig.join({ format: bare });
  rig.video(0, keyframe('k0'));
  for (let i = 1; i < 40; i += 1) {
    rig.video(i, interFrame('x'.repeat(500_000)));
    rig.flush();
  }
  slow.outlet.drain();
  rig.video(50, interFrame('late'));
  rig.flush();
  rig.video(51, keyframe('k51'));
  rig.flush();
  slow.outlet.drain();
  expect(received(slow).at(-1)).toBe('video 51 k51');
  expect(received(slow)).not.toContain('video 50 late');
  expect(received(slow).length).toBeLessThan(received(quick).length);
  expect(rig.traffic.droppedFrames).toBeGreaterThan(0);
});

test('a cached start of more than 16 MB is not copied for a player: it begins at the next keyframe', () => {
  const rig = new StreamRig();
  rig.join();
  rig.video(0, keyframe('k0'));
  for (let i = 1; i < 40; i += 1) rig.video(i, interFrame('x'.repeat(500_000)));
  rig.flush();
  const late = rig.join({ format: bare });
  rig.video(50, interFrame('i'));
  rig.video(51, keyframe('k51'));
  rig.flush();
  expect(received(late)).toEqual(['video 51 k51']);
});

test('players get the main track alone, unless they ask for all', () => {
  const rig = new StreamRig();
  const main = rig.join({ format: bare, wantsAllTracks: false });
  const all = rig.join({ format: bare });
  const track = (id: number, label: string) => ({ id, fourCc: 'hvc1', body: Buffer.from(`\0\0\0${label}`) });
  rig.video(0, videoManyTracks(1, [track(0, 'main'), track(1, 'side')]));
  rig.video(1, videoOneTrack(1, track(1, 'alone')));
  rig.flush();
  expect(all.outlet.sent.toString('latin1')).toMatch(/main[^]*side[^]*alone/);
  expect(main.outlet.sent.toString('latin1')).toMatch(/main/);
  expect(main.outlet.sent.toString('latin1')).not.toMatch(/side|alone/);
});

test('the end of a stream sends what is new, and the players are served no more', () => {
  const rig = new StreamRig();
  const player = rig.join({ format: bare });
  rig.video(0, keyframe('k'));
  rig.stream.end();
  expect(received(player)).toEqual(['video 0 k']);
  expect(rig.stream.playerCount).toBe(0);
});
