import { describe, expect, test } from '@jest/globals';
import { aacFrame, aacHeader, avcHeader, interFrame, keyframe, StreamRig } from './stream-rig';

/** Headers and a GOP: `k1` at 40 and `i2` at 80, with audio between, all sent. */
function begun(rig = new StreamRig()): StreamRig {
  rig.data(0, '@setDataFrame', 'onMetaData', { width: 640 });
  rig.audio(0, aacHeader('A'));
  rig.video(0, avcHeader('V'));
  rig.video(40, keyframe('k1'));
  rig.audio(60, aacFrame('a1'));
  rig.video(80, interFrame('i2'));
  rig.flush();
  return rig;
}

const HEADERS = ['data 0 ["onMetaData",{"width":640}]', 'audio 0 A', 'video 0 V'];
const GOP = ['video 40 k1', 'audio 60 a1', 'video 80 i2'];

describe('late players', () => {
  test('get metadata, headers, the GOP cache, and then what is new', () => {
    const rig = begun();
    const player = rig.join();
    rig.video(120, interFrame('i3'));
    rig.flush();
    expect(rig.received(player)).toEqual([...HEADERS, ...GOP, 'video 120 i3']);
  });

  test('get a cache that starts at the newest keyframe, and the newest headers', () => {
    const rig = begun();
    rig.data(100, 'onMetaData', { width: 320 });
    rig.video(120, avcHeader('W'));
    rig.video(120, keyframe('k2'));
    rig.flush();
    expect(rig.received(rig.join())).toEqual([
      'data 100 ["onMetaData",{"width":320}]',
      'audio 0 A',
      'video 120 W',
      'video 120 k2',
    ]);
  });

  test('keep the cache when an encoder repeats its headers within the GOP', () => {
    const rig = begun();
    rig.video(90, avcHeader('V'));
    rig.video(120, interFrame('i3'));
    rig.flush();
    const [metadata, audio] = HEADERS;
    const expected = [metadata, audio, 'video 90 V', ...GOP, 'video 90 V', 'video 120 i3'];
    expect(rig.received(rig.join())).toEqual(expected);
  });

  test('that join between a keyframe and its flush start with it', () => {
    const rig = begun();
    rig.audio(100, aacFrame('a2'));
    rig.video(110, interFrame('i3'));
    rig.video(120, keyframe('k2'));
    rig.video(160, interFrame('i4'));
    const player = rig.join();
    rig.flush();
    rig.video(200, interFrame('i5'));
    rig.flush();
    expect(rig.received(player)).toEqual([...HEADERS, 'video 120 k2', 'video 160 i4', 'video 200 i5']);
  });

  test('that want no cache start with what comes next, but video at a keyframe', () => {
    const rig = begun();
    const player = rig.join({ wantsCache: false });
    rig.video(120, interFrame('i3'));
    rig.audio(130, aacFrame('a3'));
    rig.video(160, keyframe('k2'));
    rig.flush();
    expect(rig.received(player)).toEqual([...HEADERS, 'audio 130 a3', 'video 160 k2']);
  });

  test('of a stream whose cache was emptied start with what comes next, later ones at the next keyframe', () => {
    const rig = begun();
    rig.stream.clearCache();
    expect(rig.received(rig.join())).toEqual(HEADERS);
    rig.video(120, keyframe('k2'));
    rig.flush();
    expect(rig.received(rig.join())).toEqual([...HEADERS, 'video 120 k2']);
  });

  test('get metadata that came while another message was half received', () => {
    const rig = begun();
    const frame = interFrame('i3');
    const unfinished = rig.stream.openMedia(9, 120, frame.length);
    rig.data(100, 'onMetaData', { width: 320 });
    unfinished.append(frame, 0, frame.length);
    unfinished.complete();
    rig.flush();
    expect(rig.received(rig.join())[0]).toBe('data 100 ["onMetaData",{"width":320}]');
  });

  test.each([
    ['off', { gopCacheBytes: 0 }],
    ['past its bound', { gopCacheBytes: 30 }],
  ])('get no video before a keyframe while the cache is %s, but audio at once', (_, options) => {
    const rig = begun(new StreamRig(options));
    const players = [rig.join(), rig.join()];
    const before = rig.traffic.writes;
    rig.audio(100, aacFrame('a2'));
    rig.video(120, interFrame('cannot be decoded'));
    rig.video(130, avcHeader('V'));
    rig.flush();
    expect(rig.traffic.writes - before).toBe(2);
    expect(players[0]!.outlet.last).toBe(players[1]!.outlet.last);
    rig.video(160, keyframe('k4'));
    rig.video(200, interFrame('i5'));
    rig.flush();
    const expected = [...HEADERS, 'audio 100 a2', 'video 130 V', 'video 160 k4', 'video 200 i5'];
    for (const player of players) expect(rig.received(player)).toEqual(expected);
  });

  test('wait no longer than 30 seconds for that keyframe: some encoders make no second one', () => {
    const rig = begun(new StreamRig({ gopCacheBytes: 0 }));
    const player = rig.join();
    for (const [passed, label] of [
      [29_999, 'too early'],
      [1, 'i4'],
    ] as const) {
      rig.clock += passed;
      rig.video(120, interFrame(label));
      rig.flush();
    }
    expect(rig.received(player).slice(HEADERS.length)).toEqual(['video 120 i4']);
  });

  test('get all of a GOP that fills several slabs', () => {
    const rig = begun();
    rig.video(100, keyframe('k2'));
    for (let i = 0; i < 50; i += 1) {
      rig.video(101 + i, Buffer.concat([interFrame('i'), Buffer.alloc(20_000)]));
      rig.flush();
    }
    const times = rig
      .join()
      .outlet.messages(rig.env.chunkSize)
      .map(({ timestamp }) => timestamp);
    expect(times.slice(3)).toEqual(Array.from({ length: 51 }, (_, i) => 100 + i));
  });

  test('of an audio stream get the last seconds', () => {
    const rig = new StreamRig();
    rig.audio(0, aacHeader('A'));
    for (let time = 0; time < 20_000; time += 20) rig.audio(time, aacFrame(`a${time}`));
    rig.flush();
    const [header, first] = rig.received(rig.join());
    expect(header).toBe('audio 0 A');
    expect(first).toBe('audio 17000 a17000');
  });

  test('get media that came while nobody watched', () => {
    const rig = begun();
    expect(rig.urgency).toEqual([]);
    expect(rig.received(rig.join())).toEqual([...HEADERS, ...GOP]);
  });
});

describe('video that stops, while audio goes on', () => {
  /** The GOP at the begin, then audio alone, up to this time. */
  function audioOnly(until: number): StreamRig {
    const rig = begun();
    for (let time = 100; time <= until; time += 20) rig.audio(time, aacFrame(`a${time}`));
    rig.flush();
    return rig;
  }

  test('is not cached for ever: late players get the last seconds of audio', () => {
    const rig = audioOnly(60_000);
    const [first, ...rest] = rig.received(rig.join()).slice(HEADERS.length);
    expect(first).toMatch(/^audio 57\d\d\d /);
    expect(rest.at(-1)).toBe('audio 60000 a60000');
  });

  test('nor does a player that was paused go back to it', () => {
    const rig = begun();
    const fake = rig.join();
    fake.player.paused = true;
    rig.stream.playerChanged(fake.player);
    for (let time = 100; time <= 60_000; time += 20) rig.audio(time, aacFrame(`a${time}`));
    rig.flush();
    fake.player.paused = false;
    rig.stream.resumePlayer(fake.player);
    expect(rig.received(fake)[HEADERS.length + GOP.length]).toMatch(/^audio 57\d\d\d /);
  });

  test('and when it comes back, those that joined meanwhile get it from a keyframe on', () => {
    const rig = audioOnly(60_000);
    const player = rig.join();
    rig.video(60_020, interFrame('cannot be decoded'));
    rig.audio(60_020, aacFrame('a'));
    rig.video(60_040, keyframe('back'));
    rig.flush();
    expect(rig.received(player).slice(-3)).toEqual(['audio 60000 a60000', 'audio 60020 a', 'video 60040 back']);
  });
});

describe('a header that changes within the cached part', () => {
  test('comes at its place: what is cached of before gets the one of before', () => {
    const rig = begun();
    rig.audio(100, aacHeader('B'));
    rig.audio(100, aacFrame('of B'));
    rig.flush();
    const expected = [...HEADERS, ...GOP, 'audio 100 B', 'audio 100 of B'];
    expect(rig.received(rig.join())).toEqual(expected);
    rig.video(120, keyframe('k2'));
    rig.flush();
    expect(rig.received(rig.join())).toEqual([HEADERS[0], 'audio 100 B', HEADERS[2], 'video 120 k2']);
  });

  test('and may change there again', () => {
    const rig = begun();
    for (const label of ['B', 'C']) {
      rig.audio(100, aacHeader(label));
      rig.audio(100, aacFrame(`of ${label}`));
    }
    rig.flush();
    const changes = ['audio 100 B', 'audio 100 of B', 'audio 100 C', 'audio 100 of C'];
    expect(rig.received(rig.join())).toEqual([...HEADERS, ...GOP, ...changes]);
  });

  test('and may change twice before the player’s first keyframe is sent', () => {
    const rig = new StreamRig();
    const first = rig.join();
    rig.video(0, avcHeader('V'));
    rig.video(40, keyframe('of V'));
    const second = rig.join();
    for (const label of ['W', 'X']) {
      rig.video(80, avcHeader(label));
      rig.video(80, keyframe(`of ${label}`));
    }
    rig.flush();
    const sent = ['video 0 V', 'video 40 of V', 'video 80 W', 'video 80 of W', 'video 80 X', 'video 80 of X'];
    expect(rig.received(first)).toEqual(sent);
    // It had a header when it joined.
    expect(rig.received(second)).toEqual(['video 0 V', ...sent]);
  });

  test('so often that its headers are too many to keep makes the cached part of no use', () => {
    const rig = begun();
    const change = (from: number, to: number): void => {
      for (let at = from; at < to; at += 1) {
        rig.audio(100 + at, aacHeader(`B${at}`));
        rig.audio(100 + at, aacFrame(`of B${at}`));
      }
      rig.flush();
    };
    change(0, 64);
    expect(rig.received(rig.join()).slice(0, 4)).toEqual([...HEADERS, GOP[0]]);
    change(64, 66);
    expect(rig.received(rig.join())).toEqual([HEADERS[0], 'audio 165 B65', HEADERS[2]]);
    rig.video(200, keyframe('k2'));
    change(66, 67);
    const last = ['video 200 k2', 'audio 166 B66', 'audio 166 of B66'];
    expect(rig.received(rig.join())).toEqual([HEADERS[0], 'audio 165 B65', HEADERS[2], ...last]);
  });

  test('in audio alone too', () => {
    const rig = new StreamRig();
    rig.audio(0, aacHeader('A'));
    for (let time = 0; time <= 3_000; time += 20) rig.audio(time, aacFrame('of A'));
    rig.audio(3_020, aacHeader('B'));
    rig.audio(3_020, aacFrame('of B'));
    rig.flush();
    const received = rig.received(rig.join());
    expect([received[0], received.at(-2), received.at(-1)]).toEqual(['audio 0 A', 'audio 3020 B', 'audio 3020 of B']);
  });

  test('is none for a codec without headers: what is kept is for what is cached of before, and goes with it', () => {
    const rig = begun();
    const mp3 = (label: string): Buffer => Buffer.from(`\x2f\0${label}`, 'latin1');
    rig.audio(100, mp3('mp3'));
    rig.flush();
    expect(rig.received(rig.join())).toEqual([...HEADERS, ...GOP, 'audio 100 mp3']);
    rig.video(120, keyframe('k2'));
    rig.flush();
    expect(rig.received(rig.join())).toEqual([HEADERS[0], HEADERS[2], 'video 120 k2']);
    rig.audio(140, aacHeader('A'));
    rig.audio(140, aacFrame('aac again'));
    rig.video(160, keyframe('k3'));
    rig.flush();
    expect(rig.received(rig.join())).toEqual([HEADERS[0], 'audio 140 A', HEADERS[2], 'video 160 k3']);
  });

  test('is none either when the first one was empty, as from encoders that learn it with the first frame', () => {
    const rig = new StreamRig();
    rig.audio(0, aacHeader(''));
    rig.audio(0, aacHeader('A'));
    rig.audio(20, aacFrame('a1'));
    rig.flush();
    expect(rig.received(rig.join())).toEqual(['audio 0 A', 'audio 0 ', 'audio 0 A', 'audio 20 a1']);
  });
});

describe('a message that is never finished', () => {
  /** An audio message of which a part has come. */
  function stuck(rig: StreamRig): (rest: string) => void {
    const payload = aacFrame('late, and whole');
    const sink = rig.stream.openMedia(8, 90, payload.length);
    sink.append(payload, 0, 5);
    return () => {
      sink.append(payload, 5, payload.length);
      sink.complete();
    };
  }

  function ticks(rig: StreamRig, count: number): void {
    for (let i = 0; i < count; i += 1) rig.stream.tick((rig.clock += 1_000));
  }

  test('is overtaken within two seconds, and stops nobody after that', () => {
    const rig = begun();
    const player = rig.join();
    stuck(rig);
    rig.video(120, interFrame('i3'));
    rig.flush();
    expect(rig.received(player).slice(6)).toEqual([]);
    ticks(rig, 2);
    expect(rig.received(player).slice(6)).toEqual(['video 120 i3']);
    rig.video(160, interFrame('i4'));
    rig.flush();
    expect(rig.received(player).slice(6)).toEqual(['video 120 i3', 'video 160 i4']);
    expect(rig.stream.blockedBytes).toBe(0);
  });

  test('keeps its place while nothing waits for it', () => {
    const rig = begun();
    const player = rig.join();
    const finish = stuck(rig);
    ticks(rig, 10);
    rig.video(120, interFrame('i3'));
    ticks(rig, 1);
    finish('');
    rig.flush();
    expect(rig.received(player).slice(6)).toEqual(['audio 90 late, and whole', 'video 120 i3']);
  });
});

describe('a flush', () => {
  test('is one write for each player, the same bytes for all', () => {
    const rig = begun();
    const players = [rig.join(), rig.join(), rig.join()];
    const before = players.map(({ outlet }) => [outlet.writes, outlet.sent.length] as const);
    rig.audio(100, aacFrame('a2'));
    rig.video(120, Buffer.concat([keyframe('k2'), Buffer.alloc(20_000, 'x')]));
    rig.flush();
    const added = players.map(({ outlet }, i) => outlet.sent.subarray(before[i]![1]));
    for (const [i, { outlet }] of players.entries()) {
      expect(outlet.writes).toBe(before[i]![0] + 1);
      expect(added[i]!.equals(added[0]!)).toBe(true);
    }
    expect(added[0]!.length).toBeGreaterThan(20_000);
  });

  test('with nothing new writes nothing', () => {
    const rig = begun();
    const { outlet } = rig.join();
    const { writes } = outlet;
    rig.flush();
    expect(outlet.writes).toBe(writes);
  });

  test('is asked for by every message, urgently by video, and not while nobody watches', () => {
    const rig = begun();
    rig.audio(100, aacFrame('a2'));
    expect(rig.urgency).toEqual([]);
    rig.join();
    rig.audio(120, aacFrame('a3'));
    rig.video(120, interFrame('i3'));
    rig.data(130, 'onTextData', 'x');
    expect(rig.urgency).toEqual([false, true, false]);
  });

  test('counts what it sends, also to players that are served apart', () => {
    const rig = begun();
    rig.join();
    rig.join();
    rig.join({ streamId: 3 });
    const { bytesOut, messagesOut, writes } = rig.traffic;
    rig.video(120, interFrame('i3'));
    rig.audio(120, aacFrame('a3'));
    rig.flush();
    expect(rig.traffic.messagesOut - messagesOut).toBe(6);
    expect(rig.traffic.writes - writes).toBe(3);
    expect(rig.traffic.bytesOut - bytesOut).toBe(3 * (12 + 7 + 12 + 4));
  });

  test('counts bytes that were sent, not what is left unused where memory ends', () => {
    const rig = new StreamRig();
    const player = rig.join();
    for (let i = 0; i < 40; i += 1) {
      rig.video(i, interFrame('x'.repeat(20_000)));
      if (i % 3 === 2) rig.flush();
    }
    rig.flush();
    const late = rig.join();
    expect(rig.traffic.bytesOut).toBe(player.outlet.sent.length + late.outlet.sent.length);
  });
});

describe('exceptions', () => {
  test('a player on another message stream gets the same with its id', () => {
    const rig = begun();
    const player = rig.join({ streamId: 0x01020304 });
    rig.video(120, interFrame('i3'));
    rig.flush();
    expect(rig.received(player)).toEqual([...HEADERS, ...GOP, 'video 120 i3']);
    const ids = player.outlet.messages(rig.env.chunkSize).map(({ streamId }) => streamId);
    expect(new Set(ids)).toEqual(new Set([0x01020304]));
  });

  test('a paused player gets nothing, and goes on from the cache', () => {
    const rig = begun();
    const fake = rig.join();
    const { player } = fake;
    player.paused = true;
    rig.stream.playerChanged(player);
    rig.video(120, keyframe('k2'));
    rig.video(160, interFrame('i4'));
    rig.flush();
    expect(rig.received(fake)).toEqual([...HEADERS, ...GOP]);
    player.paused = false;
    rig.stream.resumePlayer(player);
    rig.video(200, interFrame('i5'));
    rig.flush();
    expect(rig.received(fake).slice(6)).toEqual(['video 120 k2', 'video 160 i4', 'video 200 i5']);
    expect(player.shares).toBe(true);
  });

  test('without a cache it waits for a keyframe, at most 30 seconds', () => {
    const rig = begun(new StreamRig({ gopCacheBytes: 0 }));
    const [patient, impatient] = [rig.join(), rig.join()];
    for (const { player } of [patient, impatient]) {
      player.paused = true;
      rig.stream.playerChanged(player);
    }
    const resume = ({ player }: typeof patient): void => {
      player.paused = false;
      rig.stream.resumePlayer(player);
    };
    resume(impatient);
    rig.clock += 29_999;
    rig.video(120, interFrame('i3'));
    rig.flush();
    resume(patient);
    rig.clock += 1;
    rig.video(160, interFrame('i4'));
    rig.flush();
    rig.video(200, keyframe('k5'));
    rig.flush();
    expect(rig.received(impatient).slice(3)).toEqual(['video 160 i4', 'video 200 k5']);
    expect(rig.received(patient).slice(3)).toEqual(['video 200 k5']);
    expect(rig.traffic.droppedFrames).toBe(0);
  });

  test.each([true, false])(
    'a sound header that changes while no sound is wanted comes with it, picture: %s',
    (wantsVideo) => {
      const rig = begun();
      const fake = rig.join();
      const change = (wants: object): void => {
        Object.assign(fake.player, wants);
        rig.stream.playerChanged(fake.player);
      };
      change({ wantsVideo });
      change({ wantsAudio: false });
      rig.audio(120, aacHeader('changed'));
      rig.audio(130, aacFrame('a3'));
      rig.flush();
      const before = rig.received(fake).length;
      change({ wantsAudio: true });
      rig.audio(140, aacFrame('a4'));
      rig.flush();
      const since = rig.received(fake).slice(before);
      expect(since).toContain('audio 120 changed');
      expect(since.at(-1)).toBe('audio 140 a4');
      change({ wantsVideo: true });
      expect(rig.received(fake)).toHaveLength(before + since.length);
    },
  );

  test.each([
    ['audio', { wantsAudio: false }, ['video 120 i3', 'data 140 ["onTextData","x"]']],
    ['video', { wantsVideo: false }, ['audio 130 a3', 'data 140 ["onTextData","x"]']],
    ['both', { wantsAudio: false, wantsVideo: false }, ['data 140 ["onTextData","x"]']],
  ])('without %s, and with it again', (_, wants, expected) => {
    const rig = begun();
    const witness = rig.join();
    const fake = rig.join({ wantsCache: false });
    Object.assign(fake.player, wants);
    rig.stream.playerChanged(fake.player);
    const publish = (time: number, frame = interFrame('i3')): void => {
      rig.video(time, frame);
      rig.audio(time + 10, aacFrame('a3'));
      rig.data(time + 20, 'onTextData', 'x');
      rig.flush();
    };
    publish(120, keyframe('i3'));
    expect(rig.received(fake).slice(3)).toEqual(expected);
    Object.assign(fake.player, { wantsAudio: true, wantsVideo: true });
    rig.stream.playerChanged(fake.player);
    publish(220, keyframe('k4'));
    expect(rig.received(fake).slice(-3)).toEqual(['video 220 k4', 'audio 230 a3', 'data 240 ["onTextData","x"]']);
    publish(320);
    expect(fake.outlet.last).toBe(witness.outlet.last);
  });

  test('with video again, it gets that from the next keyframe on, and everything else at once', () => {
    const rig = begun();
    const fake = rig.join();
    fake.player.wantsVideo = false;
    rig.stream.playerChanged(fake.player);
    rig.video(120, interFrame('missed'));
    rig.flush();
    fake.player.wantsVideo = true;
    rig.stream.playerChanged(fake.player);
    rig.video(160, interFrame('cannot be decoded'));
    rig.audio(170, aacFrame('a4'));
    rig.flush();
    rig.audio(190, aacFrame('a5'));
    rig.video(200, interFrame('nor this'));
    rig.video(240, keyframe('k6'));
    rig.video(280, interFrame('i7'));
    rig.flush();
    const since = ['audio 170 a4', 'audio 190 a5', 'video 240 k6', 'video 280 i7'];
    expect(rig.received(fake).slice(HEADERS.length + GOP.length)).toEqual(since);
    expect(fake.player.shares).toBe(true);
  });

  test('headers that came while it did not want their kind are sent when it does', () => {
    const rig = new StreamRig();
    const fake = rig.join();
    fake.player.wantsVideo = false;
    rig.stream.playerChanged(fake.player);
    begun(rig);
    expect(rig.received(fake)).toEqual([HEADERS[0], HEADERS[1], 'audio 60 a1']);
    fake.player.wantsVideo = true;
    rig.stream.playerChanged(fake.player);
    expect(rig.received(fake).slice(3)).toEqual(HEADERS);
  });
});

describe('the end', () => {
  test('sends what is left, and serves nobody any more', () => {
    const rig = begun();
    const fake = rig.join();
    rig.video(120, interFrame('last'));
    rig.stream.end();
    expect(rig.received(fake).at(-1)).toBe('video 120 last');
    expect(rig.stream.playerCount).toBe(0);
    const { writes } = fake.outlet;
    rig.flush();
    expect(fake.outlet.writes).toBe(writes);
  });
});
