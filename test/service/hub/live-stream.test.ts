import { describe, expect, test } from '@jest/globals';
import { aacFrame, aacHeader, avcHeader, interFrame, keyframe, StreamBench } from './stream-bench';

/** Headers and a GOP: `k1` at 40 and `i2` at 80, with audio between, all sent. */
function begun(bench = new StreamBench()): StreamBench {
  bench.data(0, '@setDataFrame', 'onMetaData', { width: 640 });
  bench.audio(0, aacHeader('A'));
  bench.video(0, avcHeader('V'));
  bench.video(40, keyframe('k1'));
  bench.audio(60, aacFrame('a1'));
  bench.video(80, interFrame('i2'));
  bench.flush();
  return bench;
}

const HEADERS = ['data 0 ["onMetaData",{"width":640}]', 'audio 0 A', 'video 0 V'];
const GOP = ['video 40 k1', 'audio 60 a1', 'video 80 i2'];

describe('late players', () => {
  test('get metadata, headers, the GOP cache, and then what is new', () => {
    const bench = begun();
    const player = bench.join();
    bench.video(120, interFrame('i3'));
    bench.flush();
    expect(bench.received(player)).toEqual([...HEADERS, ...GOP, 'video 120 i3']);
  });

  test('get a cache that starts at the newest keyframe, and the newest headers', () => {
    const bench = begun();
    bench.data(100, 'onMetaData', { width: 320 });
    bench.video(120, avcHeader('W'));
    bench.video(120, keyframe('k2'));
    bench.flush();
    expect(bench.received(bench.join())).toEqual([
      'data 100 ["onMetaData",{"width":320}]',
      'audio 0 A',
      'video 120 W',
      'video 120 k2',
    ]);
  });

  test('keep the cache when an encoder repeats its headers within the GOP', () => {
    const bench = begun();
    bench.video(90, avcHeader('V'));
    bench.video(120, interFrame('i3'));
    bench.flush();
    const [metadata, audio] = HEADERS;
    const expected = [metadata, audio, 'video 90 V', ...GOP, 'video 90 V', 'video 120 i3'];
    expect(bench.received(bench.join())).toEqual(expected);
  });

  test('that join between a keyframe and its flush start with it', () => {
    const bench = begun();
    bench.audio(100, aacFrame('a2'));
    bench.video(110, interFrame('i3'));
    bench.video(120, keyframe('k2'));
    bench.video(160, interFrame('i4'));
    const player = bench.join();
    bench.flush();
    bench.video(200, interFrame('i5'));
    bench.flush();
    expect(bench.received(player)).toEqual([...HEADERS, 'video 120 k2', 'video 160 i4', 'video 200 i5']);
  });

  test('that want no cache start with what comes next', () => {
    const bench = begun();
    const player = bench.join({ wantsCache: false });
    bench.video(120, interFrame('i3'));
    bench.flush();
    expect(bench.received(player)).toEqual([...HEADERS, 'video 120 i3']);
  });

  test('of a stream whose cache was emptied start with what comes next, later ones at the next keyframe', () => {
    const bench = begun();
    bench.stream.clearCache();
    expect(bench.received(bench.join())).toEqual(HEADERS);
    bench.video(120, keyframe('k2'));
    bench.flush();
    expect(bench.received(bench.join())).toEqual([...HEADERS, 'video 120 k2']);
  });

  test('get metadata that came while another message was half received', () => {
    const bench = begun();
    const frame = interFrame('i3');
    const unfinished = bench.stream.openMedia(9, 120, frame.length);
    bench.data(100, 'onMetaData', { width: 320 });
    unfinished.append(frame, 0, frame.length);
    unfinished.complete();
    bench.flush();
    expect(bench.received(bench.join())[0]).toBe('data 100 ["onMetaData",{"width":320}]');
  });

  test.each([
    ['off', { gopCacheBytes: 0 }],
    ['past its bound', { gopCacheBytes: 30 }],
  ])('get no video before a keyframe while the cache is %s, but audio at once', (_, options) => {
    const bench = begun(new StreamBench(options));
    const players = [bench.join(), bench.join()];
    const before = bench.traffic.writes;
    bench.audio(100, aacFrame('a2'));
    bench.video(120, interFrame('cannot be decoded'));
    bench.video(130, avcHeader('V'));
    bench.flush();
    expect(bench.traffic.writes - before).toBe(2);
    expect(players[0]!.outlet.last).toBe(players[1]!.outlet.last);
    bench.video(160, keyframe('k4'));
    bench.video(200, interFrame('i5'));
    bench.flush();
    const expected = [...HEADERS, 'audio 100 a2', 'video 130 V', 'video 160 k4', 'video 200 i5'];
    for (const player of players) expect(bench.received(player)).toEqual(expected);
  });

  test('wait no longer than 30 seconds for that keyframe: some encoders make no second one', () => {
    const bench = begun(new StreamBench({ gopCacheBytes: 0 }));
    const player = bench.join();
    for (const [passed, label] of [
      [29_999, 'too early'],
      [1, 'i4'],
    ] as const) {
      bench.clock += passed;
      bench.video(120, interFrame(label));
      bench.flush();
    }
    expect(bench.received(player).slice(HEADERS.length)).toEqual(['video 120 i4']);
  });

  test('get all of a GOP that fills several slabs', () => {
    const bench = begun();
    bench.video(100, keyframe('k2'));
    for (let i = 0; i < 50; i += 1) {
      bench.video(101 + i, Buffer.concat([interFrame('i'), Buffer.alloc(20_000)]));
      bench.flush();
    }
    const times = bench
      .join()
      .outlet.messages(bench.env.chunkSize)
      .map(({ timestamp }) => timestamp);
    expect(times.slice(3)).toEqual(Array.from({ length: 51 }, (_, i) => 100 + i));
  });

  test('of an audio stream get the last seconds', () => {
    const bench = new StreamBench();
    bench.audio(0, aacHeader('A'));
    for (let time = 0; time < 20_000; time += 20) bench.audio(time, aacFrame(`a${time}`));
    bench.flush();
    const [header, first] = bench.received(bench.join());
    expect(header).toBe('audio 0 A');
    expect(first).toBe('audio 17000 a17000');
  });

  test('get media that came while nobody watched', () => {
    const bench = begun();
    expect(bench.urgency).toEqual([]);
    expect(bench.received(bench.join())).toEqual([...HEADERS, ...GOP]);
  });
});

describe('video that stops, while audio goes on', () => {
  /** The GOP at the begin, then audio alone, up to this time. */
  function audioOnly(until: number): StreamBench {
    const bench = begun();
    for (let time = 100; time <= until; time += 20) bench.audio(time, aacFrame(`a${time}`));
    bench.flush();
    return bench;
  }

  test('is not cached for ever: late players get the last seconds of audio', () => {
    const bench = audioOnly(60_000);
    const [first, ...rest] = bench.received(bench.join()).slice(HEADERS.length);
    expect(first).toMatch(/^audio 57\d\d\d /);
    expect(rest.at(-1)).toBe('audio 60000 a60000');
  });

  test('nor does a player that was paused go back to it', () => {
    const bench = begun();
    const fake = bench.join();
    fake.player.paused = true;
    bench.stream.playerChanged(fake.player);
    for (let time = 100; time <= 60_000; time += 20) bench.audio(time, aacFrame(`a${time}`));
    bench.flush();
    fake.player.paused = false;
    bench.stream.resumePlayer(fake.player);
    expect(bench.received(fake)[HEADERS.length + GOP.length]).toMatch(/^audio 57\d\d\d /);
  });

  test('and when it comes back, those that joined meanwhile get it from a keyframe on', () => {
    const bench = audioOnly(60_000);
    const player = bench.join();
    bench.video(60_020, interFrame('cannot be decoded'));
    bench.audio(60_020, aacFrame('a'));
    bench.video(60_040, keyframe('back'));
    bench.flush();
    expect(bench.received(player).slice(-3)).toEqual(['audio 60000 a60000', 'audio 60020 a', 'video 60040 back']);
  });
});

describe('a header that changes within the cached part', () => {
  test('comes at its place: what is cached of before gets the one of before', () => {
    const bench = begun();
    bench.audio(100, aacHeader('B'));
    bench.audio(100, aacFrame('of B'));
    bench.flush();
    const expected = [...HEADERS, ...GOP, 'audio 100 B', 'audio 100 of B'];
    expect(bench.received(bench.join())).toEqual(expected);
    bench.video(120, keyframe('k2'));
    bench.flush();
    expect(bench.received(bench.join())).toEqual([HEADERS[0], 'audio 100 B', HEADERS[2], 'video 120 k2']);
  });

  test('in audio alone too', () => {
    const bench = new StreamBench();
    bench.audio(0, aacHeader('A'));
    for (let time = 0; time <= 3_000; time += 20) bench.audio(time, aacFrame('of A'));
    bench.audio(3_020, aacHeader('B'));
    bench.audio(3_020, aacFrame('of B'));
    bench.flush();
    const received = bench.received(bench.join());
    expect([received[0], received.at(-2), received.at(-1)]).toEqual(['audio 0 A', 'audio 3020 B', 'audio 3020 of B']);
  });

  test('is none for a codec without headers: what is kept is for what is cached of before, and goes with it', () => {
    const bench = begun();
    const mp3 = (label: string): Buffer => Buffer.from(`\x2f\0${label}`, 'latin1');
    bench.audio(100, mp3('mp3'));
    bench.flush();
    expect(bench.received(bench.join())).toEqual([...HEADERS, ...GOP, 'audio 100 mp3']);
    bench.video(120, keyframe('k2'));
    bench.flush();
    expect(bench.received(bench.join())).toEqual([HEADERS[0], HEADERS[2], 'video 120 k2']);
    bench.audio(140, aacHeader('A'));
    bench.audio(140, aacFrame('aac again'));
    bench.video(160, keyframe('k3'));
    bench.flush();
    expect(bench.received(bench.join())).toEqual([HEADERS[0], 'audio 140 A', HEADERS[2], 'video 160 k3']);
  });

  test('is none either when the first one was empty, as from encoders that learn it with the first frame', () => {
    const bench = new StreamBench();
    bench.audio(0, aacHeader(''));
    bench.audio(0, aacHeader('A'));
    bench.audio(20, aacFrame('a1'));
    bench.flush();
    expect(bench.received(bench.join())).toEqual(['audio 0 A', 'audio 0 ', 'audio 0 A', 'audio 20 a1']);
  });
});

describe('a message that is never finished', () => {
  /** An audio message of which a part has come. */
  function stuck(bench: StreamBench): (rest: string) => void {
    const payload = aacFrame('late, and whole');
    const sink = bench.stream.openMedia(8, 90, payload.length);
    sink.append(payload, 0, 5);
    return () => {
      sink.append(payload, 5, payload.length);
      sink.complete();
    };
  }

  function ticks(bench: StreamBench, count: number): void {
    for (let i = 0; i < count; i += 1) bench.stream.tick((bench.clock += 1_000));
  }

  test('is overtaken within two seconds, and stops nobody after that', () => {
    const bench = begun();
    const player = bench.join();
    stuck(bench);
    bench.video(120, interFrame('i3'));
    bench.flush();
    expect(bench.received(player).slice(6)).toEqual([]);
    ticks(bench, 2);
    expect(bench.received(player).slice(6)).toEqual(['video 120 i3']);
    bench.video(160, interFrame('i4'));
    bench.flush();
    expect(bench.received(player).slice(6)).toEqual(['video 120 i3', 'video 160 i4']);
    expect(bench.stream.blockedBytes).toBe(0);
  });

  test('keeps its place while nothing waits for it', () => {
    const bench = begun();
    const player = bench.join();
    const finish = stuck(bench);
    ticks(bench, 10);
    bench.video(120, interFrame('i3'));
    ticks(bench, 1);
    finish('');
    bench.flush();
    expect(bench.received(player).slice(6)).toEqual(['audio 90 late, and whole', 'video 120 i3']);
  });
});

describe('a flush', () => {
  test('is one write for each player, the same bytes for all', () => {
    const bench = begun();
    const players = [bench.join(), bench.join(), bench.join()];
    const before = players.map(({ outlet }) => [outlet.writes, outlet.sent.length] as const);
    bench.audio(100, aacFrame('a2'));
    bench.video(120, Buffer.concat([keyframe('k2'), Buffer.alloc(20_000, 'x')]));
    bench.flush();
    const added = players.map(({ outlet }, i) => outlet.sent.subarray(before[i]![1]));
    for (const [i, { outlet }] of players.entries()) {
      expect(outlet.writes).toBe(before[i]![0] + 1);
      expect(added[i]!.equals(added[0]!)).toBe(true);
    }
    expect(added[0]!.length).toBeGreaterThan(20_000);
  });

  test('with nothing new writes nothing', () => {
    const bench = begun();
    const { outlet } = bench.join();
    const { writes } = outlet;
    bench.flush();
    expect(outlet.writes).toBe(writes);
  });

  test('is asked for by every message, urgently by video, and not while nobody watches', () => {
    const bench = begun();
    bench.audio(100, aacFrame('a2'));
    expect(bench.urgency).toEqual([]);
    bench.join();
    bench.audio(120, aacFrame('a3'));
    bench.video(120, interFrame('i3'));
    bench.data(130, 'onTextData', 'x');
    expect(bench.urgency).toEqual([false, true, false]);
  });

  test('counts what it sends, also to players that are served apart', () => {
    const bench = begun();
    bench.join();
    bench.join();
    bench.join({ streamId: 3 });
    const { bytesOut, messagesOut, writes } = bench.traffic;
    bench.video(120, interFrame('i3'));
    bench.audio(120, aacFrame('a3'));
    bench.flush();
    expect(bench.traffic.messagesOut - messagesOut).toBe(6);
    expect(bench.traffic.writes - writes).toBe(3);
    expect(bench.traffic.bytesOut - bytesOut).toBe(3 * (12 + 7 + 12 + 4));
  });

  test('counts bytes that were sent, not what is left unused where memory ends', () => {
    const bench = new StreamBench();
    const player = bench.join();
    for (let i = 0; i < 40; i += 1) {
      bench.video(i, interFrame('x'.repeat(20_000)));
      if (i % 3 === 2) bench.flush();
    }
    bench.flush();
    const late = bench.join();
    expect(bench.traffic.bytesOut).toBe(player.outlet.sent.length + late.outlet.sent.length);
  });
});

describe('exceptions', () => {
  test('a player on another message stream gets the same with its id', () => {
    const bench = begun();
    const player = bench.join({ streamId: 0x01020304 });
    bench.video(120, interFrame('i3'));
    bench.flush();
    expect(bench.received(player)).toEqual([...HEADERS, ...GOP, 'video 120 i3']);
    const ids = player.outlet.messages(bench.env.chunkSize).map(({ streamId }) => streamId);
    expect(new Set(ids)).toEqual(new Set([0x01020304]));
  });

  test('a paused player gets nothing, and goes on from the cache', () => {
    const bench = begun();
    const fake = bench.join();
    const { player } = fake;
    player.paused = true;
    bench.stream.playerChanged(player);
    bench.video(120, keyframe('k2'));
    bench.video(160, interFrame('i4'));
    bench.flush();
    expect(bench.received(fake)).toEqual([...HEADERS, ...GOP]);
    player.paused = false;
    bench.stream.resumePlayer(player);
    bench.video(200, interFrame('i5'));
    bench.flush();
    expect(bench.received(fake).slice(6)).toEqual(['video 120 k2', 'video 160 i4', 'video 200 i5']);
    expect(player.shares).toBe(true);
  });

  test('without a cache it waits for a keyframe, at most 30 seconds', () => {
    const bench = begun(new StreamBench({ gopCacheBytes: 0 }));
    const [patient, impatient] = [bench.join(), bench.join()];
    for (const { player } of [patient, impatient]) {
      player.paused = true;
      bench.stream.playerChanged(player);
    }
    const resume = ({ player }: typeof patient): void => {
      player.paused = false;
      bench.stream.resumePlayer(player);
    };
    resume(impatient);
    bench.clock += 29_999;
    bench.video(120, interFrame('i3'));
    bench.flush();
    resume(patient);
    bench.clock += 1;
    bench.video(160, interFrame('i4'));
    bench.flush();
    bench.video(200, keyframe('k5'));
    bench.flush();
    expect(bench.received(impatient).slice(3)).toEqual(['video 160 i4', 'video 200 k5']);
    expect(bench.received(patient).slice(3)).toEqual(['video 200 k5']);
    expect(bench.traffic.droppedFrames).toBe(0);
  });

  test.each([true, false])(
    'a sound header that changes while no sound is wanted comes with it, picture: %s',
    (wantsVideo) => {
      const bench = begun();
      const fake = bench.join();
      const change = (wants: object): void => {
        Object.assign(fake.player, wants);
        bench.stream.playerChanged(fake.player);
      };
      change({ wantsVideo });
      change({ wantsAudio: false });
      bench.audio(120, aacHeader('changed'));
      bench.audio(130, aacFrame('a3'));
      bench.flush();
      const before = bench.received(fake).length;
      change({ wantsAudio: true });
      bench.audio(140, aacFrame('a4'));
      bench.flush();
      const since = bench.received(fake).slice(before);
      expect(since).toContain('audio 120 changed');
      expect(since.at(-1)).toBe('audio 140 a4');
      change({ wantsVideo: true });
      expect(bench.received(fake)).toHaveLength(before + since.length);
    },
  );

  test.each([
    ['audio', { wantsAudio: false }, ['video 120 i3', 'data 140 ["onTextData","x"]']],
    ['video', { wantsVideo: false }, ['audio 130 a3', 'data 140 ["onTextData","x"]']],
    ['both', { wantsAudio: false, wantsVideo: false }, ['data 140 ["onTextData","x"]']],
  ])('without %s, and with it again', (_, wants, expected) => {
    const bench = begun();
    const witness = bench.join();
    const fake = bench.join({ wantsCache: false });
    Object.assign(fake.player, wants);
    bench.stream.playerChanged(fake.player);
    const publish = (time: number, frame = interFrame('i3')): void => {
      bench.video(time, frame);
      bench.audio(time + 10, aacFrame('a3'));
      bench.data(time + 20, 'onTextData', 'x');
      bench.flush();
    };
    publish(120);
    expect(bench.received(fake).slice(3)).toEqual(expected);
    Object.assign(fake.player, { wantsAudio: true, wantsVideo: true });
    bench.stream.playerChanged(fake.player);
    publish(220, keyframe('k4'));
    expect(bench.received(fake).slice(-3)).toEqual(['video 220 k4', 'audio 230 a3', 'data 240 ["onTextData","x"]']);
    publish(320);
    expect(fake.outlet.last).toBe(witness.outlet.last);
  });

  test('with video again, it gets that from the next keyframe on, and everything else at once', () => {
    const bench = begun();
    const fake = bench.join();
    fake.player.wantsVideo = false;
    bench.stream.playerChanged(fake.player);
    bench.video(120, interFrame('missed'));
    bench.flush();
    fake.player.wantsVideo = true;
    bench.stream.playerChanged(fake.player);
    bench.video(160, interFrame('cannot be decoded'));
    bench.audio(170, aacFrame('a4'));
    bench.flush();
    bench.audio(190, aacFrame('a5'));
    bench.video(200, interFrame('nor this'));
    bench.video(240, keyframe('k6'));
    bench.video(280, interFrame('i7'));
    bench.flush();
    const since = ['audio 170 a4', 'audio 190 a5', 'video 240 k6', 'video 280 i7'];
    expect(bench.received(fake).slice(HEADERS.length + GOP.length)).toEqual(since);
    expect(fake.player.shares).toBe(true);
  });

  test('headers that came while it did not want their kind are sent when it does', () => {
    const bench = new StreamBench();
    const fake = bench.join();
    fake.player.wantsVideo = false;
    bench.stream.playerChanged(fake.player);
    begun(bench);
    expect(bench.received(fake)).toEqual([HEADERS[0], HEADERS[1], 'audio 60 a1']);
    fake.player.wantsVideo = true;
    bench.stream.playerChanged(fake.player);
    expect(bench.received(fake).slice(3)).toEqual(HEADERS);
  });
});

describe('the end', () => {
  test('sends what is left, and serves nobody any more', () => {
    const bench = begun();
    const fake = bench.join();
    bench.video(120, interFrame('last'));
    bench.stream.end();
    expect(bench.received(fake).at(-1)).toBe('video 120 last');
    expect(bench.stream.playerCount).toBe(0);
    const { writes } = fake.outlet;
    bench.flush();
    expect(fake.outlet.writes).toBe(writes);
  });
});
