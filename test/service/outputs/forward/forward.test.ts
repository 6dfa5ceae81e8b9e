import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { aac, avc, avcAacStream, hevc12, type MediaItem } from '../../../support/rtmp/media';
import {
  audioOneTrack,
  fourCcAudio,
  fourCcVideo,
  VideoPacketType,
  videoManyTracks,
} from '../../../support/rtmp/enhanced-media';
import { control, MessageType, UserControl, userControl } from '../../../support/rtmp/wire-builder';
import { RtmpTarget } from '../../../support/servers/rtmp-target';
import { createTestCa, type TestCa } from '../../../support/servers/test-ca';
import { ManualClock } from '../../time/manual-clock';
import { testForward } from './forward-rig';

const stream = avcAacStream('s', 50);
/** This machine's port for RTMP, which is not a target. */
const isOwn = (_address: string, port: number): boolean => port === 1935;

describe('publishing', () => {
  test('says what services want to hear, and ends the stream properly', async () => {
    const target = await RtmpTarget.start();
    const forward = testForward(target.url('app/inst/secretkey?token=abcd'));
    const session = await target.session();
    await forward.reaches('live');
    expect(session.commands).toEqual(['connect', 'releaseStream', 'FCPublish', 'createStream', 'publish']);
    const { args } = await session.command('connect');
    const tcUrl = `rtmp://127.0.0.1:${target.port}/app/inst`;
    expect(args[0]).toMatchObject({ app: 'app/inst', tcUrl, type: 'nonprivate', objectEncoding: 0 });
    expect((await session.command('publish')).args).toEqual([null, 'secretkey?token=abcd', 'live']);
    expect((await session.command('FCPublish')).args).toEqual([null, 'secretkey?token=abcd']);

    forward.metadata();
    forward.feed(stream);
    const [description, ...media] = await session.takeMedia(1 + stream.length);
    expect(description!.data?.slice(0, 2)).toEqual(['@setDataFrame', 'onMetaData']);
    expect(media.every(({ streamId, largestChunk }) => streamId === 1 && largestChunk <= 4096)).toBe(true);
    await forward.output.end({ code: 'unpublished', reason: '' });
    await session.closed;
    expect(session.commands.slice(-2)).toEqual(['FCUnpublish', 'deleteStream']);
    expect(forward.facts.map(({ type }) => type)).toEqual(['forward.live']);
    expect(forward.status().bytes).toBeGreaterThan(20_000);
  });

  test('a stream id other than 1, and answers in odd order', async () => {
    const target = await RtmpTarget.start({
      answer(session, name, { transactionId }) {
        if (name === 'releaseStream' || name === 'FCPublish') return true;
        if (name !== 'createStream') return false;
        // createStream first, then refusals of what came before it
        session.sendCommand('_result', transactionId, [null, 5]);
        session.sendCommand('_error', 2, [null, { level: 'error', code: 'NetConnection.Call.Failed' }]);
        session.sendCommand('_error', 3, [null, { level: 'error', code: 'NetConnection.Call.Failed' }]);
        return true;
      },
    });
    const forward = testForward(target.url());
    await forward.reaches('live');
    forward.feed(stream);
    const session = await target.session();
    const [first] = await session.takeMedia(1);
    expect(first!.streamId).toBe(5);
  });

  test('Publish.Start before publish counts, and a second one is ignored', async () => {
    const target = await RtmpTarget.start({
      answer(session, name) {
        if (name === 'FCPublish') session.status('NetStream.Publish.Start');
        return name === 'FCPublish' || name === 'publish';
      },
    });
    const forward = testForward(target.url());
    await forward.reaches('live');
    const session = await target.session();
    session.status('NetStream.Publish.Start');
    session.send(userControl(UserControl.pingRequest, 1));
    await session.inbox.next(({ type }) => type === MessageType.userControl, 'a pong');
    expect(forward.facts).toHaveLength(1);
  });

  test('answers that come byte by byte', async () => {
    const target = await RtmpTarget.start({ pieces: true });
    const forward = testForward(target.url());
    await forward.reaches('live');
    forward.feed(stream);
    await (await target.session()).takeMedia(stream.length);
  });

  test('pings are answered, received bytes acknowledged, a bandwidth limit confirmed', async () => {
    const target = await RtmpTarget.start();
    const forward = testForward(target.url());
    await forward.reaches('live');
    const session = await target.session();
    session.send(userControl(UserControl.pingRequest, 77));
    const pong = await session.inbox.next(({ type }) => type === MessageType.userControl, 'a pong');
    expect(pong.payload.toString('hex')).toBe('00070000004d');
    session.send(control(MessageType.windowAckSize, 200), userControl(UserControl.pingRequest, 78));
    await session.inbox.next(({ type }) => type === MessageType.acknowledgement, 'an acknowledgement');
    session.send({
      type: MessageType.setPeerBandwidth,
      streamId: 0,
      timestamp: 0,
      payload: Buffer.from('002625a002', 'hex'),
    });
    const window = await session.inbox.next(({ type }) => type === MessageType.windowAckSize, 'a window');
    expect(window.payload.readUInt32BE()).toBe(2_500_000);
  });

  test('several forwards of a stream are independent', async () => {
    const good = await RtmpTarget.start();
    const bad = await RtmpTarget.start({ onConnection: (socket) => socket.resetAndDestroy() });
    const [first, second] = [testForward(good.url()), testForward(bad.url())];
    await second.reaches('waiting');
    await first.reaches('live');
    first.feed(stream);
    second.feed(stream);
    await (await good.session()).takeMedia(stream.length);
  });
});

describe('timestamps', () => {
  test('each connection begins at zero, past 2^32, and audio from before the keyframe is left out', async () => {
    const target = await RtmpTarget.start();
    const forward = testForward(target.url());
    await forward.reaches('live');
    const items: MediaItem[] = [
      { kind: 'video', timestamp: 1000, payload: avc.keyframe('k') },
      { kind: 'audio', timestamp: 900, payload: aac.frame('early') },
      { kind: 'audio', timestamp: 1010, payload: aac.frame('a') },
      { kind: 'video', timestamp: 1040, payload: avc.interFrame('p') },
    ];
    forward.feed(items, 2 ** 32 - 1020);
    const media = await (await target.session()).takeMedia(3);
    expect(media.map(({ timestamp }) => timestamp)).toEqual([0, 10, 40]);
  });

  test('a publisher whose clock steps back continues where it was', async () => {
    const target = await RtmpTarget.start();
    const forward = testForward(target.url());
    await forward.reaches('live');
    forward.feed([
      { kind: 'video', timestamp: 60_000, payload: avc.keyframe('k') },
      { kind: 'video', timestamp: 90_000, payload: avc.keyframe('l') },
      { kind: 'video', timestamp: 0, payload: avc.keyframe('m') },
      { kind: 'video', timestamp: 40, payload: avc.interFrame('n') },
    ]);
    const media = await (await target.session()).takeMedia(4);
    expect(media.map(({ timestamp }) => timestamp)).toEqual([0, 30_000, 30_033, 30_073]);
  });
});

describe('a target that cannot be reached, or refuses', () => {
  test('is tried again, with one event per outage, and gets headers and a keyframe again', async () => {
    const clock = new ManualClock();
    let refusing = true;
    const target = await RtmpTarget.start({
      onConnection: (socket) => {
        if (refusing) socket.resetAndDestroy();
      },
    });
    const forward = testForward(target.url(), { clock, random: () => 1 });
    for (const pauseMs of [1_000, 2_000, 4_000]) {
      await forward.reaches('waiting');
      await clock.advance(pauseMs - 1);
      expect(forward.status().state).toBe('waiting');
      if (pauseMs === 4_000) refusing = false;
      await clock.advance(1);
    }
    await forward.reaches('live');
    expect(forward.facts.map(({ type }) => type)).toEqual(['forward.waiting', 'forward.live']);
    expect(forward.status()).toMatchObject({ attempts: 4, reason: '' });

    forward.feed(stream);
    const session = target.sessions.at(-1)!;
    await session.takeMedia(stream.length);
    await clock.advance(20_000);
    session.socket.resetAndDestroy();
    await forward.tells('forward.waiting', 2);
    forward.feed(stream.slice(4, 20));
    await clock.advance(1_000);
    await forward.reaches('live');
    forward.feed(stream.slice(20), 7);
    const media = await target.sessions.at(-1)!.takeMedia(2 + 50);
    expect(media[0]!.payload.equals(aac.sequenceHeader())).toBe(true);
    expect(media[1]!.payload.equals(avc.sequenceHeader())).toBe(true);
    expect(media[2]!.payload.equals(stream[2 + 50]!.payload)).toBe(true);
    expect(media[2]!.timestamp).toBe(0);
    expect(forward.status()).toMatchObject({ gaps: 1, framesDropped: 16 });
  });

  test('refusals are repeated more slowly, and end; the reason does not show the key', async () => {
    const clock = new ManualClock();
    const target = await RtmpTarget.start({
      answer(session, name) {
        if (name !== 'publish') return false;
        session.status('NetStream.Publish.BadName', 'error', { description: 'no such key: secretkey?token=abcd' });
        return true;
      },
    });
    const forward = testForward(target.url('app/secretkey?token=abcd'), { clock, random: () => 1 });
    forward.feed([{ kind: 'video', timestamp: 0, payload: avc.keyframe('k') }]);
    for (const pauseMs of [1, 5, 10, 20, 40, 60, 60, 60, 60, 60]) {
      await forward.reaches('waiting');
      await clock.advance(pauseMs * 1000 - 1);
      expect(forward.status().state).toBe('waiting');
      await clock.advance(1);
    }
    await forward.reaches('failed');
    expect(forward.facts.map(({ type }) => type)).toEqual(['forward.waiting', 'forward.failed']);
    expect(forward.status()).toMatchObject({
      attempts: 11,
      reason: 'target refuses the stream: no such key: ***',
      target: `rtmp://127.0.0.1:${target.port}/app`,
    });
    expect(JSON.stringify([forward.facts, forward.log.entries, forward.status()])).not.toMatch(/secretkey|abcd/);
  });

  test('refused before the first frame comes: tried again soon after that, when the node before has left', async () => {
    const clock = new ManualClock();
    let isTaken = true;
    const target = await RtmpTarget.start({
      answer(session, name) {
        if (name !== 'publish' || !isTaken) return false;
        session.status('NetStream.Publish.BadName', 'error', { description: 'already publishing' });
        return true;
      },
    });
    const forward = testForward(target.url('app/key'), { clock, random: () => 1 });
    await forward.reaches('waiting');
    await clock.advance(60_000);
    expect(forward.status()).toMatchObject({ state: 'waiting', attempts: 1 });
    forward.feed([{ kind: 'video', timestamp: 0, payload: avc.keyframe('k') }]);
    isTaken = false;
    await clock.advance(1_000);
    await forward.reaches('live');
    expect(forward.status().attempts).toBe(2);
  });

  test('a service that takes the stream and closes the connection at once refuses it', async () => {
    const clock = new ManualClock();
    const target = await RtmpTarget.start({
      answer(session, name) {
        if (name !== 'publish') return false;
        session.status('NetStream.Publish.Start');
        session.socket.end();
        return true;
      },
    });
    const forward = testForward(target.url(), { clock, random: () => 1 });
    await forward.tells('forward.waiting');
    await clock.advance(499);
    expect(forward.status()).toMatchObject({ state: 'waiting', attempts: 1 });
    await clock.advance(501);
    await forward.tells('forward.waiting', 2);
    expect(forward.status().attempts).toBe(2);
  });

  test('while the stream is held for its publisher, no attempt is made', async () => {
    const clock = new ManualClock();
    const target = await RtmpTarget.start();
    const forward = testForward(target.url(), { clock, random: () => 1 });
    await forward.reaches('live');
    await clock.advance(20_000);
    forward.output.held();
    target.sessions[0]!.socket.resetAndDestroy();
    await forward.reaches('waiting');
    await clock.advance(60_000);
    expect(forward.status()).toMatchObject({ state: 'waiting', attempts: 1 });
    forward.output.resumed();
    await forward.reaches('live');
    expect(forward.status().attempts).toBe(2);
  });

  test('an address that cannot be used fails at once', () => {
    const forward = testForward('rtmp://host/app');
    expect(forward.status()).toMatchObject({ state: 'failed', attempts: 0 });
    expect(forward.facts.map(({ type }) => type)).toEqual(['forward.failed']);
  });
});

describe('authentication', () => {
  test('Adobe: the scheme, the question, the answer, on three connections', async () => {
    const apps: string[] = [];
    const reject = '[ AccessManager.Reject ] : ';
    const target = await RtmpTarget.start({
      answer(session, name, { args }) {
        if (name !== 'connect') return false;
        apps.push((args[0] as { app: string }).app);
        if (apps.length === 3) return false;
        const said = [
          `${reject}[ code=403 need auth; authmod=adobe ] : `,
          `${reject}[ authmod=adobe ] : ?reason=needauth&user=me&salt=SalT&challenge=ChAl==&opaque=OpAq==`,
        ];
        const info = { level: 'error', code: 'NetConnection.Connect.Rejected', description: said[apps.length - 1]! };
        session.sendCommand('_error', 1, [null, info]);
        return true;
      },
    });
    const forward = testForward(`rtmp://me:sesame@127.0.0.1:${target.port}/app/secretkey`);
    await forward.reaches('live');
    expect(apps[0]).toBe('app');
    expect(apps[1]).toBe('app?authmod=adobe&user=me');
    expect(apps[2]).toMatch(/^app\?authmod=adobe&user=me&challenge=[0-9a-f]{8}&response=[^&]{22}==&opaque=OpAq==$/);
    expect(forward.status().attempts).toBe(1);
  });

  test('a refused user ends the forward, and nothing of it is shown', async () => {
    const target = await RtmpTarget.start({
      answer(session, name) {
        const description = '[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=authfailed&opaque=x';
        const info = { level: 'error', code: 'NetConnection.Connect.Rejected', description };
        if (name === 'connect') session.sendCommand('_error', 1, [null, info]);
        return name === 'connect';
      },
    });
    const forward = testForward(`rtmp://me:sesame@127.0.0.1:${target.port}/app/secretkey`);
    await forward.reaches('failed');
    expect(forward.status().reason).toBe('target refuses the user or the password');
    expect(JSON.stringify([forward.facts, forward.log.entries])).not.toMatch(/sesame|secretkey/);
  });
});

describe('Enhanced RTMP', () => {
  const hevc = fourCcVideo('hvc1');
  const opus = fourCcAudio('Opus');
  const hevcStream: MediaItem[] = [
    { kind: 'video', timestamp: 0, payload: hevc.sequenceStart() },
    { kind: 'video', timestamp: 0, payload: hevc.keyframe('k') },
  ];

  test.each([
    ['HEVC', hevcStream],
    ['HEVC', [{ kind: 'video', timestamp: 0, payload: hevc12.sequenceHeader() } satisfies MediaItem]],
    ['Opus', [{ kind: 'audio', timestamp: 0, payload: opus.sequenceStart() } satisfies MediaItem]],
  ])('a target that does not announce %s does not get it (%#)', async (codec, items) => {
    const target = await RtmpTarget.start({ connectInfo: { fourCcList: ['av01'] } });
    const forward = testForward(target.url());
    forward.feed(items);
    await forward.reaches('failed');
    expect(forward.status().reason).toBe(`target does not take ${codec}`);
    await (
      await target.session()
    ).closed;
  });

  test.each([
    ['nothing of codecs', {}],
    ['multitrack alone', { capsEx: 2 }],
    ['audio codecs alone', { audioFourCcInfoMap: { Opus: 4 } }],
  ])('a target whose answer says %s gets HEVC as it comes', async (_name, connectInfo) => {
    const target = await RtmpTarget.start({ connectInfo });
    const forward = testForward(target.url());
    forward.feed(hevcStream.slice(0, 1));
    await forward.reaches('live');
    forward.feed([{ kind: 'audio', timestamp: 0, payload: opus.sequenceStart() }, ...hevcStream.slice(1)]);
    const media = await (await target.session()).takeMedia(3);
    expect(media[0]!.payload.equals(opus.sequenceStart())).toBe(true);
    expect(media.slice(1).map(({ payload }) => payload)).toEqual(hevcStream.map(({ payload }) => payload));
  });

  test('a codec that appears later ends the forward too', async () => {
    const target = await RtmpTarget.start({ connectInfo: { fourCcList: ['av01'] } });
    const forward = testForward(target.url());
    await forward.reaches('live');
    forward.feed(stream);
    forward.feed(hevcStream, 3_000);
    await forward.reaches('failed');
  });

  test('a publisher that returns with a codec that the target takes is forwarded again', async () => {
    const clock = new ManualClock();
    const target = await RtmpTarget.start({ connectInfo: { fourCcList: ['av01'] } });
    const forward = testForward(target.url(), { clock });
    const colours = { kind: 'video', timestamp: 0, payload: hevc.metadata(Buffer.from('hdr')) } satisfies MediaItem;
    forward.feed([...hevcStream.slice(0, 1), colours, ...hevcStream.slice(1)]);
    await forward.reaches('failed');
    // The same header again is no change.
    forward.feed(hevcStream);
    await clock.advance(60_000);
    expect(forward.status()).toMatchObject({ state: 'failed', attempts: 1 });
    forward.feed(stream.slice(0, 2));
    await forward.reaches('live');
    forward.feed(stream.slice(2));
    const media = await target.sessions.at(-1)!.takeMedia(stream.length);
    // Of the codec before, nothing is left.
    const headers = [aac.sequenceHeader(), avc.sequenceHeader()];
    expect(media.map(({ payload }) => payload)).toEqual([...headers, ...stream.slice(2).map(({ payload }) => payload)]);
    expect(forward.facts.map(({ type }) => type)).toEqual(['forward.failed', 'forward.live']);
  });

  test('codecs that change all the time are tried now and then', async () => {
    const clock = new ManualClock();
    const target = await RtmpTarget.start({ connectInfo: { fourCcList: ['av01'] } });
    const forward = testForward(target.url(), { clock });
    const vp9 = fourCcVideo('vp09').sequenceStart();
    const changing = (): void => {
      forward.feed(hevcStream);
      forward.feed([{ kind: 'video', timestamp: 0, payload: vp9 }]);
    };
    changing();
    await forward.reaches('failed');
    for (let round = 0; round < 9; round += 1) {
      changing();
      await clock.advance(1_000);
    }
    expect(forward.status().attempts).toBe(1);
    await clock.advance(1_000);
    await forward.tells('forward.failed', 2);
    expect(forward.status().attempts).toBe(2);
  });

  test.each([
    ['fourCcList', { fourCcList: ['hvc1'] }],
    ['fourCcList with *', { fourCcList: ['*'] }],
    ['videoFourCcInfoMap', { videoFourCcInfoMap: { hvc1: 4 } }],
  ])('%s decides', async (_name, connectInfo) => {
    const target = await RtmpTarget.start({ connectInfo });
    const forward = testForward(target.url());
    forward.feed(hevcStream.slice(0, 1));
    await forward.reaches('live');
    forward.feed(hevcStream.slice(1));
    const media = await (await target.session()).takeMedia(2);
    expect(media.map(({ payload }) => payload)).toEqual(hevcStream.map(({ payload }) => payload));
  });

  test('a codec that the target only encodes is not one that it takes', async () => {
    const target = await RtmpTarget.start({ connectInfo: { videoFourCcInfoMap: { hvc1: 2 } } });
    const forward = testForward(target.url());
    forward.feed(hevcStream);
    await forward.reaches('failed');
  });

  test('HEVC with a legacy codec id is sent in the form that the target announces', async () => {
    const target = await RtmpTarget.start({ connectInfo: { fourCcList: ['hvc1'] } });
    const forward = testForward(target.url());
    await forward.reaches('live');
    forward.feed([
      { kind: 'video', timestamp: 0, payload: hevc12.sequenceHeader() },
      { kind: 'video', timestamp: 0, payload: hevc12.keyframe('k') },
    ]);
    const media = await (await target.session()).takeMedia(2);
    expect(media[0]!.payload.equals(hevc.sequenceStart(hevc12.sequenceHeader().subarray(5)))).toBe(true);
    const expected = Buffer.concat([hevc.keyframe('').subarray(0, 8), hevc12.keyframe('k').subarray(5)]);
    expect(media[1]!.payload.equals(expected)).toBe(true);
  });

  const tracks = (packetType: number, label: string): Buffer =>
    videoManyTracks(packetType, [
      { id: 0, fourCc: 'avc1', body: Buffer.concat([Buffer.from([0, 0, 7]), Buffer.from(`main-${label}`)]) },
      { id: 1, fourCc: 'avc1', body: Buffer.concat([Buffer.from([0, 0, 7]), Buffer.from(`side-${label}`)]) },
    ]);
  const multitrack: MediaItem[] = [
    { kind: 'video', timestamp: 0, payload: tracks(VideoPacketType.codedFrames, 'k') },
    { kind: 'audio', timestamp: 0, payload: audioOneTrack(1, { id: 0, fourCc: 'mp4a', body: Buffer.from('aac') }) },
    { kind: 'audio', timestamp: 0, payload: audioOneTrack(1, { id: 1, fourCc: 'mp4a', body: Buffer.from('two') }) },
  ];

  test('a target without multitrack gets the main tracks alone, with tags that everybody knows', async () => {
    const target = await RtmpTarget.start();
    const forward = testForward(target.url());
    await forward.reaches('live');
    forward.feed(multitrack);
    forward.feed([{ kind: 'audio', timestamp: 1, payload: aac.frame('last') }]);
    const media = await (await target.session()).takeMedia(3);
    expect(media.map(({ payload }) => payload.toString('latin1'))).toEqual([
      '\x17\x01\x00\x00\x07main-k',
      '\xaf\x01aac',
      '\xaf\x01last',
    ]);
  });

  test('a target that announces multitrack gets all of it', async () => {
    const target = await RtmpTarget.start({ connectInfo: { fourCcList: ['*'], capsEx: 2 } });
    const forward = testForward(target.url());
    await forward.reaches('live');
    forward.feed(multitrack);
    const media = await (await target.session()).takeMedia(3);
    expect(media.map(({ payload }) => payload)).toEqual(multitrack.map(({ payload }) => payload));
  });

  test.each([
    ['a path', (_port: number) => '/elsewhere'],
    ['a host', (port: number) => `//127.0.0.1:${port}/elsewhere`],
  ])('a request to reconnect may name %s alone', async (_name, place) => {
    const target = await RtmpTarget.start();
    const forward = testForward(target.url());
    await forward.reaches('live');
    const code = 'NetConnection.Connect.ReconnectRequest';
    const info = { level: 'status', code, tcUrl: place(target.port) };
    (await target.session()).sendCommand('onStatus', 0, [null, info]);
    const tcUrl = `rtmp://127.0.0.1:${target.port}/elsewhere`;
    expect((await (await target.session()).command('connect')).args[0]).toMatchObject({ app: 'elsewhere', tcUrl });
  });

  test('a request to reconnect is followed, to the place that it names and with the same key', async () => {
    const other = await RtmpTarget.start();
    const target = await RtmpTarget.start();
    const forward = testForward(target.url());
    await forward.reaches('live');
    const session = await target.session();
    const tcUrl = `rtmp://127.0.0.1:${other.port}/elsewhere`;
    session.sendCommand('onStatus', 0, [
      null,
      { level: 'status', code: 'NetConnection.Connect.ReconnectRequest', tcUrl },
    ]);
    const moved = await other.session();
    expect((await moved.command('publish')).args).toEqual([null, 'secretkey', 'live']);
    expect((await moved.command('connect')).args[0]).toMatchObject({ app: 'elsewhere', tcUrl });
    await session.closed;
    expect(session.commands.at(-1)).toBe('deleteStream');
    expect(forward.facts.some(({ type }) => type === 'forward.waiting')).toBe(false);
  });

  test.each([
    ['an address that is not allowed', 'rtmp://10.0.0.1/app'],
    ['a name of such an address', 'rtmp://localhost./app'],
    ['no address', 'elsewhere'],
  ])('a request to reconnect to %s: the configured address is used again', async (_name, tcUrl) => {
    const clock = new ManualClock();
    const target = await RtmpTarget.start();
    const forward = testForward(target.url(), { clock, random: () => 1, allow: ['127.0.0.1/32'], isOwn });
    await forward.reaches('live');
    const code = 'NetConnection.Connect.ReconnectRequest';
    (await target.session()).sendCommand('onStatus', 0, [null, { level: 'status', code, tcUrl }]);
    const again = target.session();
    for (let round = 0; forward.status().attempts < 2 + Number(tcUrl.includes('localhost')); round += 1) {
      if (round > 500) throw new Error('no other attempt');
      if (forward.status().state === 'waiting') await clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await (await again).command('publish');
    await forward.reaches('live');
    expect(forward.facts.some(({ type }) => type === 'forward.failed')).toBe(false);
  });
});

describe('a slow target', () => {
  test('loses groups of pictures, never parts, and gets headers before the next keyframe', async () => {
    const target = await RtmpTarget.start();
    const forward = testForward(target.url());
    await forward.reaches('live');
    const session = await target.session();
    session.socket.pause();
    const gop = 10;
    const large = avcAacStream('large', 400, { gop, size: 60_000 });
    for (let at = 0; at < large.length; at += 20) {
      forward.feed(large.slice(at, at + 20));
      await nextTurn();
    }
    const { framesDropped } = forward.status();
    expect(framesDropped).toBeGreaterThan(100);
    session.socket.resume();
    const last = large.at(-1)!.timestamp;
    for (let round = 0; forward.status().gaps === 0; round += 1) {
      if (round > 500) throw new Error('it does not catch up');
      forward.feed(avcAacStream('later', gop, { gop }).slice(2), last + 40 + round * gop * 40);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await session.inbox.next(({ payload }) => payload.includes('later-v9'), 'the end of a later group');
    const video = session.media.filter(({ type, payload }) => type === MessageType.video && payload[1] === 1);
    const numbers = video.map(({ payload }) => Number(/(?:large|later)-v(\d+)/.exec(payload.toString('latin1'))![1]));
    for (const [index, number] of numbers.entries()) {
      // After each frame comes the next one, or the first of a group.
      if (index > 0 && number % gop !== 0) expect(number).toBe(numbers[index - 1]! + 1);
      if (index > 0 && number % gop === 0) expect(numbers[index - 1]! % gop).toBe(gop - 1);
    }
    expect(session.media.filter(({ payload }) => payload.equals(avc.sequenceHeader())).length).toBeGreaterThan(1);
    const gap = await forward.tells('output.gap');
    expect(gap).toMatchObject({ kind: 'forward', output: 'forward-1', channel: 'news' });
  }, 30_000);

  test('one that never reads holds only so many bytes', async () => {
    const target = await RtmpTarget.start();
    const forward = testForward(target.url());
    await forward.reaches('live');
    (await target.session()).socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    // One group of pictures that does not end, much larger than what may wait.
    const frame = avc.interFrame('p', 500_000);
    forward.feed([{ kind: 'video', timestamp: 0, payload: avc.keyframe('k') }]);
    for (let at = 1; at <= 200; at += 1) {
      forward.feed([{ kind: 'video', timestamp: at * 40, payload: frame }]);
      await nextTurn();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30_000_000);
    expect(forward.status().framesDropped).toBeGreaterThan(100);
  });

  test.each([
    ['pings', userControl(UserControl.pingRequest, 1)],
    ['limits', { ...control(MessageType.setPeerBandwidth, 5_000), payload: Buffer.from('0000138802', 'hex') }],
  ])('one that asks for answers (%s) and reads none of them loses its connection', async (_name, question) => {
    const target = await RtmpTarget.start();
    const forward = testForward(target.url());
    await forward.reaches('live');
    const session = await target.session();
    session.socket.pause();
    const questions = Array.from({ length: 1_000 }, () => question);
    let asked = 0;
    while (forward.status().state === 'live') {
      // More than both sockets hold of answers.
      if (asked > 3_000_000) throw new Error('it answers without end');
      session.send(...questions);
      asked += questions.length;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(forward.status().reason).toBe('the target asks for answers and does not read them');
  });
});

describe('RTMPS', () => {
  let ca: TestCa;
  beforeAll(() => {
    ca = createTestCa('DNS:localhost');
  });
  afterAll(() => ca.remove());

  test('the certificate is checked against the name and the given authorities, and the name is sent', async () => {
    const names: string[] = [];
    const target = await RtmpTarget.start({
      tls: {
        key: ca.key,
        cert: ca.cert,
        SNICallback(name, done) {
          names.push(name);
          done(null);
        },
      },
    });
    const url = `rtmps://localhost:${target.port}/app/secretkey`;
    const forward = testForward(url, { authorities: ca.ca });
    await forward.reaches('live');
    forward.feed(stream);
    await (await target.session()).takeMedia(stream.length);
    expect(names).toEqual(['localhost']);

    const unknown = testForward(url);
    await unknown.reaches('waiting');
    expect(unknown.status().reason).toMatch(/certificate/);
    const misnamed = testForward(`rtmps://127.0.0.1:${target.port}/app/secretkey`, { authorities: ca.ca });
    await misnamed.reaches('waiting');
    expect(misnamed.status().reason).toMatch(/altnames|IP/);
  });
});
