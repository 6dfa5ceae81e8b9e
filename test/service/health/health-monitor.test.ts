import { describe, expect, test } from '@jest/globals';
import { ISSUE_CODES } from '../../../service/health/issue-codes';
import { Health } from '../../../service/http/api/schemas/health';
import { Audio, History, Video } from '../../../service/http/api/schemas/stream';
import { vp9Keyframes } from '../../vectors/codec-header-vectors';
import { AAC, HealthRig, type Sending } from './health-rig';

const begun = (sending: Sending = {}): HealthRig => new HealthRig(sending).begin();
const after = (seconds: number, sending: Sending = {}): HealthRig => begun(sending).run(seconds);
const metadata = (changes: Sending['metadata'] = {}): Sending['metadata'] => ({
  width: 1280,
  height: 720,
  framerate: 30,
  audiosamplerate: 48000,
  stereo: true,
  ...changes,
});

describe('a publisher without fault', () => {
  const senders: [string, Sending][] = [
    ['sends 30 frames and AAC', {}],
    ['is read in batches of 500 ms', { batchMs: 500 }],
    ['sends audio in bursts of equal timestamps', { audioBurst: 24 }],
    [
      'sends a keyframe every 250 frames',
      { keyframeSeconds: 250 / 24, fps: 24, metadata: metadata({ framerate: 24 }) },
    ],
    ['sends 60 frames', { fps: 60, metadata: metadata({ framerate: 60 }), kbps: 6000 }],
    ['rounds its rate', { fps: 30000 / 1001, metadata: metadata({ framerate: 29.97 }) }],
    ['announces 60 for 59.94', { fps: 60000 / 1001, metadata: metadata({ framerate: 60 }), kbps: 6000 }],
    ['sends a slide show of one frame in two seconds', { fps: 0.5, metadata: metadata({ framerate: 0.5 }), kbps: 100 }],
    ['sends no metadata', { metadata: {} }],
    ['announces the clock as its frame rate', { metadata: metadata({ framerate: 1000 }) }],
    ['sends audio 700 ms behind video', { shift: (kind, ms) => (kind === 'audio' ? Math.max(0, ms - 700) : ms) }],
    ['rounds timestamps back by 3 ms', { shift: (_kind, ms) => (Math.round(ms) % 40 < 20 ? ms : ms - 23) }],
    ['passes the wrap of timestamps', { shift: (_kind, ms) => ms + 2 ** 32 - 15_000 }],
    ['sends little of a still picture, at a constant quality', { kbps: 2 }],
    ['sends H.265', { video: 'x265, cropped from 1088 lines', metadata: metadata({ width: 1920, height: 1080 }) }],
  ];

  test.each(senders)('%s: good, without issues', (_name, sending) => {
    const { health, told } = after(90, sending);
    expect(health).toEqual({ state: 'good', issues: [] });
    expect(told).toEqual([{ state: 'good', issues: [] }]);
  });

  test('is read once in 500 ms after a LATENCY_MS of 500', () => {
    const sending = { batchMs: 500, fps: 2, metadata: metadata({ framerate: 2 }) };
    const rig = new HealthRig(sending, { latencyMs: 500 }).begin().run(60);
    expect(rig.codes).toEqual([]);
  });
});

describe('issues', () => {
  const faults: [code: string, state: string, sentence: RegExp, sending: Sending][] = [
    [
      'gopSizeLong',
      'ok',
      /There were 15 s between keyframes.*Set the keyframe interval to 2 s/,
      { keyframeSeconds: 15 },
    ],
    ['gopSizeOver', 'bad', /There were \d\d(\.\d)? s between keyframes/, { keyframeSeconds: 1000 }],
    ['gopSizeShort', 'good', /^10 keyframes a second/, { keyframeSeconds: 0.1 }],
    ['openGop', 'ok', /open GOP/, { keyframeNal: 0x41 }],
    [
      'bitrateLow',
      'ok',
      /10\d kbit\/s of video are little for 1280x720 at 30/,
      { kbps: 100, metadata: metadata({ videodatarate: 100 }) },
    ],
    ['bitrateHigh', 'ok', /25 Mbit\/s/, { kbps: 25_000 }],
    ['frameRateHigh', 'ok', /120 frames/, { fps: 120, metadata: metadata({ framerate: 120 }) }],
    ['framerateMismatch', 'ok', /announces 60 frames a second and sends 30/, { metadata: metadata({ framerate: 60 }) }],
    ['framerateMismatch', 'ok', /announces 15 frames a second and sends 30/, { metadata: metadata({ framerate: 15 }) }],
    [
      'resolutionMismatch',
      'ok',
      /says 1920x1080, but the video is 1280x720/,
      { metadata: metadata({ width: 1920, height: 1080 }) },
    ],
    [
      'videoCodecMismatch',
      'ok',
      /names the video codec hvc1, but avc1/,
      { metadata: metadata({ videocodecid: 'hevc' }) },
    ],
    ['videoProfileMismatch', 'bad', /High 4:4:4 Predictive/, { video: 'x264 -pix_fmt yuv444p', metadata: {} }],
    ['videoProfileMismatch', 'bad', /High 10/, { video: 'x264 -pix_fmt yuv420p10le', metadata: {} }],
    [
      'interlacedVideo',
      'good',
      /interlaced/,
      { video: 'x264 -profile main, interlaced, 16:9 on 720x576', metadata: {} },
    ],
    ['noVideoStream', 'ok', /Only sound/, { video: null }],
    ['videoIngestionStarved', 'bad', /Only 50 % of real time/, { speed: 0.5 }],
    ['videoIngestionFasterThanRealtime', 'ok', /at 2 times its speed/, { speed: 2 }],
    ['audioCodecMismatch', 'ok', /names the audio codec \.mp3, but mp4a/, { metadata: metadata({ audiocodecid: 2 }) }],
    [
      'audioSampleRate',
      'good',
      /22050 samples/,
      { audio: AAC["ffmpeg's AAC encoder, 22.05 kHz stereo"]!, metadata: {} },
    ],
    [
      'audioSampleRateMismatch',
      'ok',
      /says 44100 samples a second, but the sound has 48000/,
      { metadata: metadata({ audiosamplerate: 44100 }) },
    ],
    [
      'audioStereoMismatch',
      'good',
      /says 1 channels, but the sound has 2/,
      { metadata: metadata({ audiochannels: 1 }) },
    ],
    ['audioTooManyChannels', 'ok', /8 channels/, { audio: AAC["ffmpeg's AAC encoder, 48 kHz, 7.1"]!, metadata: {} }],
    ['audioBitrateLow', 'good', /set to 32/, { audioKbps: 32, metadata: metadata({ audiodatarate: 32 }) }],
    ['audioBitrateHigh', 'good', /1\d\d\d kbit\/s of sound/, { audioKbps: 1500 }],
    ['noAudioStream', 'ok', /No sound arrives/, { audio: null }],
    ['audioVideoDrift', 'ok', /apart/, { shift: (kind, ms) => (kind === 'audio' ? ms + 1500 : ms) }],
    ['audioVideoDrift', 'bad', /apart/, { shift: (kind, ms) => (kind === 'audio' ? ms * 1.09 : ms) }],
  ];

  test.each(faults)('%s: %s, %s', (code, state, sentence, sending) => {
    const { health } = after(60, sending);
    expect(health.issues.map((issue) => issue.code)).toEqual([code]);
    expect(health.issues[0]!.sentence).toMatch(sentence);
    expect(health.state).toBe(state);
    expect(Health.parse(health)).toEqual(health);
  });

  test('old codecs', () => {
    const rig = new HealthRig({ video: null, audio: null });
    const send = (second: number): void => {
      for (let frame = 0; frame < 25; frame += 1) {
        rig.rig.traffic.heardAt = rig.rig.clock += 40;
        rig.rig.video(
          second * 1000 + frame * 40,
          Buffer.concat([Buffer.of(frame === 0 ? 0x12 : 0x22), Buffer.alloc(900)]),
        );
        rig.rig.audio(second * 1000 + frame * 40, Buffer.concat([Buffer.of(0xb2), Buffer.alloc(80)]));
      }
      rig.monitor.tick(rig.rig.clock);
    };
    for (let second = 0; second < 20; second += 1) send(second);
    expect(rig.codes.sort()).toEqual(['audioCodec', 'videoCodec']);
    expect(rig.health.state).toBe('bad');
  });

  test('a sentence is a sentence, and every code has been seen here', () => {
    const events = ['mediaGap', 'timestampJump', 'timestampReversal', 'audioCodec', 'videoCodec'];
    const seen = new Set([...faults.map(([code]) => code), ...events]);
    expect([...seen].sort()).toEqual([...ISSUE_CODES].sort());
  });
});

describe('events', () => {
  test('a gap is shown once it is over a second, becomes an error when it is long, and goes a minute after', () => {
    const rig = after(20).silence(2).run(10);
    expect(rig.health).toMatchObject({ state: 'ok', issues: [{ code: 'mediaGap', severity: 'warning' }] });
    expect(rig.health.issues[0]!.sentence).toMatch(/No video and no sound came for 2 s/);
    rig.run(40);
    expect(rig.codes).toEqual(['mediaGap']);
    expect(rig.run(40).health).toEqual({ state: 'good', issues: [] });
    expect(rig.silence(6).run(8).health.state).toBe('bad');
  });

  test('a gap that has not ended is shown', () => {
    expect(after(20).silence(8).codes).toContain('mediaGap');
  });

  test('frames of one kind that are left out are a gap, not a jump', () => {
    const rig = after(20).run(3, { shift: (kind, ms) => (kind === 'video' ? undefined : ms) });
    rig.run(15, { shift: (_kind, ms) => ms });
    expect(rig.codes).toEqual(['mediaGap']);
    expect(rig.health.issues[0]!.sentence).toMatch(/^No video came for 3/);
  });

  test('media that was held up and comes all at once is a gap, not too fast', () => {
    const rig = after(20).silence(3, { withMedia: false });
    rig.run(1, { speed: 4 }).run(30, { speed: 1 });
    expect(rig.codes).toEqual(['mediaGap']);
  });

  test('a jump of the timestamps, and its way back', () => {
    const rig = after(20).run(20, { shift: (_kind, ms) => ms + 60_000 });
    expect(rig.codes).toEqual(['timestampJump']);
    expect(rig.health.issues[0]!.sentence).toMatch(/jumped ahead by 60 s/);
    rig.run(90);
    expect(rig.codes).toEqual([]);
    rig.run(20, { shift: (_kind, ms) => ms });
    expect(rig.codes).toEqual(['timestampReversal']);
    expect(rig.health.issues[0]!.sentence).toMatch(/went back by 60 s \(2 times/);
  });

  test('video that stops while sound continues is an error', () => {
    const rig = after(20).run(30, { shift: (kind, ms) => (kind === 'video' ? undefined : ms) });
    expect(rig.health.issues.find(({ code }) => code === 'noVideoStream')).toMatchObject({ severity: 'error' });
  });
});

describe('patience', () => {
  test('an issue appears after it held, keeps the time of its beginning, and goes after it was gone for a while', () => {
    const rig = after(30);
    rig.run(9, { speed: 0.5 });
    expect(rig.codes).toEqual([]);
    rig.run(20);
    expect(rig.codes).toEqual(['videoIngestionStarved']);
    const { since } = rig.health.issues[0]!;
    expect((Date.parse(since) - Date.UTC(2026, 0, 1)) / 1000).toBeGreaterThan(30);
    rig.run(12, { speed: 1 });
    expect(rig.codes).toEqual(['videoIngestionStarved']);
    expect(rig.health.issues[0]!.since).toBe(since);
    rig.run(25);
    expect(rig.codes).toEqual([]);
  });

  test('listeners hear of each change of state or issues once', () => {
    const rig = after(60).run(60, { speed: 0.5 }).run(60, { speed: 1 });
    expect(rig.told.map(({ state, issues }) => `${state} ${issues.map(({ code }) => code).join()}`)).toEqual([
      'good ',
      'bad videoIngestionStarved',
      'good ',
    ]);
  });

  test('a burst at the start is no fault', () => {
    expect(begun().run(1, { speed: 4 }).run(30, { speed: 1 }).told).toEqual([{ state: 'good', issues: [] }]);
  });

  test('a node that stood still blames nobody', () => {
    const rig = after(30);
    rig.standStill(8).run(40);
    expect(rig.told).toEqual([{ state: 'good', issues: [] }]);
  });
});

describe('sources', () => {
  test('no data before the first frames, and when they have stopped', () => {
    const rig = new HealthRig();
    expect(rig.silence(10).health).toEqual({ state: 'noData', issues: [] });
    rig.begin().run(30);
    expect(rig.health.state).toBe('good');
    expect(rig.silence(15).health).toEqual({ state: 'noData', issues: [] });
  });

  test('a held stream has no data, and the next source starts without the issues of the former one', () => {
    const rig = after(60, { keyframeNal: 0x41 });
    expect(rig.codes).toEqual(['openGop']);
    const { publication } = rig;
    rig.publication = { ...publication, publisher: null };
    rig.silence(20);
    expect(rig.health).toEqual({ state: 'noData', issues: [] });
    rig.publication = publication;
    publication.stream.sources.resume(publication.publisher!, false);
    rig.begin().run(30, { keyframeNal: 0x65, shift: (_kind, ms) => ms + 500_000 });
    expect(rig.health).toEqual({ state: 'good', issues: [] });
    expect(rig.told.map(({ state }) => state)).toEqual(['good', 'ok', 'noData', 'good']);
  });

  test('a relayed stream is not judged', () => {
    const rig = new HealthRig({ speed: 0.5 });
    rig.publication = { ...rig.publication, publisher: { ...rig.publication.publisher!, isRelay: true } };
    rig.begin().run(60);
    expect(rig.told).toEqual([]);
    expect(rig.monitor.counts()).toEqual({ states: { good: 0, ok: 0, bad: 0, noData: 0 }, issues: new Map() });
  });

  test('counts for metrics', () => {
    expect(after(60, { speed: 0.5 }).monitor.counts()).toEqual({
      states: { good: 0, ok: 0, bad: 1, noData: 0 },
      issues: new Map([['videoIngestionStarved', 1]]),
    });
  });
});

describe('measures', () => {
  test('come from headers, in the shape of the API', () => {
    const rig = after(30, { metadata: metadata({ width: 99, height: 99, encoder: 'obs-output\u0007 module' }) });
    const { video, audio, bitrateKbps, encoder } = rig.monitor.report(rig.publication);
    expect(Video.parse(video)).toMatchObject({ codec: 'avc1', width: 1280, height: 720, keyframeIntervalSeconds: 2 });
    expect(Audio.parse(audio)).toMatchObject({ codec: 'mp4a', sampleRate: 48000, channels: 2 });
    expect(bitrateKbps).toBe(0);
    expect(encoder).toBe('obs-output module');
  });

  test('are read across the borders of small chunks', () => {
    const sending = { video: 'x264 with nal-hrd=cbr, cropped', metadata: {}, keyframeNal: 0x41 };
    const rig = new HealthRig(sending, { chunkSize: 128 }).begin().run(30);
    expect(rig.monitor.report(rig.publication).video).toMatchObject({ width: 640, height: 362 });
    expect(rig.codes).toEqual(['openGop']);
    const hevc = new HealthRig({ video: 'x265 -pix_fmt yuv420p10le, cropped' }, { chunkSize: 128 }).begin().run(10);
    expect(hevc.monitor.report(hevc.publication).video).toMatchObject({ codec: 'hvc1', width: 444, height: 250 });
  });

  test('a picture size that only keyframes contain', () => {
    const rig = new HealthRig({ video: 'libvpx-vp9', metadata: {} }).begin();
    const keyframe = Buffer.concat([Buffer.from('\x91vp09', 'latin1'), Buffer.from(vp9Keyframes[0]!.hex, 'hex')]);
    rig.rig.video(0, keyframe);
    rig.run(10, { video: null });
    expect(rig.monitor.report(rig.publication).video).toMatchObject({ codec: 'vp09', width: 640, height: 360 });
  });

  test('history: ten minutes in steps of five seconds, empty where nothing came', () => {
    const rig = after(700);
    const full = History.parse(rig.monitor.history(rig.publication));
    expect(full).toMatchObject({ stepSeconds: 5 });
    expect(full.bitrateKbps).toHaveLength(120);
    expect(full.fps.every((fps) => Math.round(Number(fps)) === 30)).toBe(true);
    expect(Math.min(...full.bitrateKbps.map(Number))).toBeGreaterThan(2500);
    expect(new Set(full.keyframeIntervalSeconds)).toEqual(new Set([2]));
    const { publication } = rig;
    rig.publication = { ...publication, publisher: null };
    rig.silence(60);
    expect(rig.monitor.history(publication).bitrateKbps.slice(-11)).toEqual(Array(11).fill(null));
  });

  test('history of a new stream is empty', () => {
    const rig = new HealthRig();
    expect(History.parse(rig.monitor.history(rig.publication)).fps).toEqual([]);
  });
});
