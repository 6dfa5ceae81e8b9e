import { beforeEach, describe, expect, test } from '@jest/globals';
import { amfEncode } from '../../support/rtmp/amf-test-codec';
import { aac, avc } from '../../support/rtmp/media';
import { aggregate, command, control, MessageType, UserControl, userControl } from '../../support/rtmp/wire-builder';
import { GOP_CACHE_BYTES, SessionRig, type SessionClient } from './session-rig';

let rig: SessionRig;
beforeEach(() => {
  rig = new SessionRig();
});

const frame = { type: MessageType.video, streamId: 1, timestamp: 0, payload: avc.keyframe('frame', 100_000) };

describe('bounds of a session', () => {
  test('a client that asks and never reads is closed before its answers take 2 MB', () => {
    const client = rig.connected();
    client.transport.readsNothing = true;
    for (let asked = 0; asked < 100_000 && !client.transport.ended; asked += 1) {
      client.send(userControl(UserControl.pingRequest, asked));
    }
    expect(rig.closed).toEqual(['too_slow']);
    expect(client.transport.unsentBytes).toBeLessThan(2 ** 21);
  });

  test('a player that asks for the cached start over and over without reading is not sent more of it', async () => {
    const publisher = await rig.publisher();
    publisher.chunks.chunkSize = 65_536;
    publisher.send(control(MessageType.setChunkSize, 65_536));
    for (let at = 0; at < 6; at += 1) {
      publisher.send({
        ...frame,
        timestamp: at * 40,
        payload: at === 0 ? frame.payload : avc.interFrame('x', 100_000),
      });
    }
    const player = rig.connected();
    player.command('play', null, 'key');
    player.transport.readsNothing = true;
    for (let asked = 0; asked < 1_000 && !player.transport.ended; asked += 1) {
      // Slowly enough for its budget.
      rig.nowMs += 250;
      player.command('pause', null, true, 0);
      player.command('pause', null, false, 0);
    }
    expect(player.transport.unsentBytes).toBeLessThan(10 * 2 ** 20);
    expect(rig.closed).toEqual([]);
  });

  test('a player that reads a large GOP cache slowly is not cut off when it is pinged meanwhile', () => {
    const player = rig.connected();
    player.command('play', null, 'key');
    player.transport.unsentBytes = GOP_CACHE_BYTES + 64 * 2 ** 20;
    player.send(userControl(UserControl.pingRequest, 1));
    expect(rig.closed).toEqual([]);
    player.transport.unsentBytes = GOP_CACHE_BYTES + 97 * 2 ** 20;
    player.send(userControl(UserControl.pingRequest, 2));
    expect(rig.closed).toEqual(['too_slow']);
  });

  test('before publish a message of more than 64 KB is refused by its header alone', () => {
    const client = rig.connected();
    const [first] = client.chunks.chunks({ ...frame, type: MessageType.command, payload: Buffer.alloc(65_537) });
    client.bytes(first!.subarray(0, 12));
    expect(rig.closed).toEqual(['protocol_error']);
    expect(client.statuses.at(-1)).toMatchObject({ description: expect.stringMatching(/message_too_large/) });
  });

  test('before publish all unfinished messages together are bound', () => {
    const client = rig.connected();
    for (let csid = 10; csid < 13; csid += 1) {
      const [first] = client.chunks.chunks(
        { ...frame, type: MessageType.command, payload: Buffer.alloc(30_000) },
        { csid },
      );
      client.bytes(first!);
    }
    expect(rig.closed).toEqual(['protocol_error']);
  });

  test('the number of chunk streams is bound', () => {
    const client = rig.connected();
    for (let csid = 100; csid < 150; csid += 1) {
      client.send({ type: MessageType.audio, streamId: 1, timestamp: 0, payload: aac.frame('x') }, { csid });
    }
    expect(rig.closed).toEqual(['protocol_error']);
  });

  /** A publisher that has left a message unfinished, and whose video is this many megabytes a second. */
  async function publishBehindUnfinished(megabytes: readonly number[]): Promise<SessionClient> {
    const publisher = await rig.publisher();
    publisher.bytes(publisher.chunks.chunks({ ...frame }, { csid: 20 })[0]!);
    publisher.send(control(MessageType.setChunkSize, 1_000_000));
    publisher.chunks.chunkSize = 1_000_000;
    for (const count of megabytes) {
      for (let i = 0; i < count; i += 1) publisher.video(40, avc.interFrame('blocked', 1_000_000));
      rig.advance(1);
    }
    return publisher;
  }

  test('a publisher may leave a message unfinished while others go on: they overtake it', async () => {
    await publishBehindUnfinished([4, 10, 10, 10, 10]);
    expect(rig.closed).toEqual([]);
  });

  test('it is closed, and told, when more waits than is bearable until they do', async () => {
    const publisher = await publishBehindUnfinished([34]);
    expect(rig.closed).toEqual(['protocol_error']);
    expect(publisher.statuses.at(-1)?.description).toMatch(/unfinished/);
  });

  test('a flood of one-byte chunks is closed; a stream of few such chunks is not', async () => {
    const publisher = await rig.publisher();
    publisher.send(control(MessageType.setChunkSize, 1));
    publisher.chunks.chunkSize = 1;
    const one = publisher.chunks.message({ ...frame, payload: avc.keyframe('tiny', 10_000) });
    rig.advance(20, () => publisher.bytes(Buffer.from(one)));
    expect(rig.closed).toEqual([]);
    const flood = await new SessionRig().publisher();
    flood.send(control(MessageType.setChunkSize, 1));
    flood.rig.advance(1, () => {
      for (let sent = 0; sent < 70; sent += 1) flood.bytes(one);
    });
    expect(flood.rig.closed).toEqual(['protocol_error']);
  });

  test('deleteStream in the middle of a large frame: the rest of it is skipped and the connection goes on', async () => {
    const publisher = await rig.publisher();
    const chunks = publisher.chunks.chunks(frame);
    for (const chunk of chunks.slice(0, 100)) publisher.bytes(chunk);
    publisher.command('deleteStream', null, 1);
    for (const chunk of chunks.slice(100)) publisher.bytes(chunk);
    publisher.video(40, frame.payload);
    publisher.command('publish', null, 'key');
    await Promise.resolve();
    await Promise.resolve();
    expect(publisher.statuses.map(({ code }) => code)).toEqual([
      'NetStream.Publish.Start',
      'NetStream.Unpublish.Success',
      'NetStream.Publish.Start',
    ]);
    expect(rig.closed).toEqual([]);
  });

  test('an error that nobody expected ends this session only, and is logged with its place', () => {
    const client = rig.connected();
    const broken = new Error('a defect');
    client.session.streams.find = () => {
      throw broken;
    };
    client.command('deleteStream', null, 1);
    expect(rig.closed).toEqual(['internal_error']);
    expect(rig.log.matching(/unexpected error.*a defect.*session-bounds/)).toHaveLength(1);
    expect(client.statuses.at(-1)).toMatchObject({
      code: 'NetConnection.Connect.Closed',
      description: 'Internal error',
    });
  });

  test('the acknowledged count wraps at 4 GB, so that a sender which subtracts it knows what is outstanding', async () => {
    const client = await rig.publisher();
    const acks = (): number[] =>
      client.received
        .filter(({ type }) => type === MessageType.acknowledgement)
        .map(({ payload }) => payload.readUInt32BE());
    client.send(control(MessageType.windowAckSize, 0x40000000));
    client.send(control(MessageType.setChunkSize, 65_536));
    client.chunks.chunkSize = 65_536;
    const audio = client.chunks.message({
      type: MessageType.audio,
      streamId: 1,
      timestamp: 0,
      payload: Buffer.alloc(65_000),
    });
    const much = Buffer.concat(Array.from({ length: 64 }, () => audio));
    for (let sent = 0; sent < 0x140000000; sent += much.length) client.session.receive(much, 0, much.length);
    expect(acks()).toHaveLength(5);
    const steps = acks().map((count, index) => (count - (acks()[index - 1] ?? 0)) >>> 0);
    expect(steps.slice(1)).toEqual([0x40000000, 0x40000000, 0x40000000, 0x40000000]);
  });

  test.each([
    ['before connect', (client: SessionClient) => client.shakeHands(), () => rig.open()],
    ['after connect', () => undefined, () => rig.connected()],
  ])(
    'whoever asks more than one connection may ask %s is disconnected, after a bounded number of answers',
    (_, begin, open) => {
      const client = open();
      begin(client);
      const before = client.received.length;
      for (let i = 0; i < 10_000 && !client.transport.ended; i += 1)
        client.send(userControl(UserControl.pingRequest, i));
      expect(client.received.length - before).toBeLessThan(310);
      expect(rig.closed).toEqual(['over_budget']);
    },
  );

  test('answers that the client leaves unread are bounded by what they cost, not by their few bytes', () => {
    const client = rig.connected();
    client.transport.readsNothing = true;
    for (let i = 0; i < 10_000 && !client.transport.ended; i += 1) {
      rig.nowMs += 100;
      client.send(userControl(UserControl.pingRequest, i));
    }
    expect(client.transport.unsentBytes).toBeLessThan(64 * 18);
    expect(rig.closed).toEqual(['too_slow']);
  });

  test('a publisher of thousands of tiny frames shares the processor: the rest of its read waits its turn', async () => {
    const publisher = await rig.publisher();
    const frames = Array.from({ length: 10_000 }, (_, i) =>
      publisher.chunks.message({ type: MessageType.audio, streamId: 1, timestamp: i, payload: Buffer.of(0xaf, 1, 0) }),
    );
    publisher.bytes(Buffer.concat(frames));
    const { stream } = rig.hub.find('channel')!.publication!;
    expect(stream.stats.messages).toBeLessThanOrEqual(2_000);
    while (stream.stats.messages < 10_000) await new Promise(setImmediate);
    expect(rig.closed).toEqual([]);
  });

  test('an aggregate of more parts than any encoder sends ends the publish', async () => {
    const publisher = await rig.publisher();
    const part = Buffer.from('0800000100000000000000af0000000c', 'hex');
    const payload = Buffer.concat(Array.from({ length: 5_000 }, () => part));
    publisher.send({ type: MessageType.aggregate, streamId: 1, timestamp: 0, payload });
    expect(rig.closed).toEqual(['protocol_error']);
  });

  test('a publisher that sends all its media in aggregates is not cut, however fast it uploads', async () => {
    const publisher = await rig.publisher();
    publisher.send(control(MessageType.setChunkSize, 0xffffff));
    publisher.chunks.chunkSize = 0xffffff;
    const tags = Array.from({ length: 10 }, (_, i) => ({
      ...frame,
      timestamp: i * 40,
      payload: avc.interFrame('i', 60_000),
    }));
    for (let i = 0; i < 60; i += 1) publisher.send(aggregate(tags, 1, i * 400));
    expect(rig.closed).toEqual([]);
    expect(rig.hub.find('channel')!.publication!.stream.stats.messages).toBe(600);
  });

  test('a bitrate limit counts everything that comes in, not media alone', async () => {
    rig.grant = { streamId: 'id', maxBitrateKbps: 1_000 };
    const publisher = await rig.publisher();
    publisher.send(control(MessageType.setChunkSize, 0xffffff));
    publisher.chunks.chunkSize = 0xffffff;
    rig.advance(20, () => publisher.send({ type: 99, streamId: 1, timestamp: 0, payload: Buffer.alloc(400_000) }));
    expect(rig.closed).toEqual(['killed']);
  });

  test('60 frames a second at 50 Mbps in 128-byte chunks, with sound in bursts of 32 messages, meet no bound', async () => {
    rig.grant = { streamId: 'id', maxBitrateKbps: 60_000 };
    const publisher = await rig.publisher();
    const video = Array.from({ length: 60 }, (_, i) => {
      const payload = i === 0 ? avc.keyframe('k', 104_000) : avc.interFrame('i', 104_000);
      return publisher.chunks.message({ ...frame, timestamp: i * 16, payload }, { csid: 6 });
    });
    const audio = Array.from({ length: 64 }, (_, i) =>
      publisher.chunks.message(
        { type: MessageType.audio, streamId: 1, timestamp: i * 16, payload: aac.frame('sound') },
        { csid: 4 },
      ),
    );
    const second = [...video.slice(0, 30), ...audio.slice(0, 32), ...video.slice(30), ...audio.slice(32)];
    // Copies, because the reader moves payloads together within the given buffer.
    rig.advance(30, () => second.forEach((bytes) => publisher.bytes(Buffer.from(bytes))));
    expect(rig.closed).toEqual([]);
    expect(rig.hub.find('channel')!.publication!.stream.stats.messages).toBe(30 * second.length);
  });

  test('a minute of timecodes, one for each of 60 frames a second, may come at once', async () => {
    const publisher = await rig.publisher();
    const payload = amfEncode('onFI', { tc: '10:00:00:00' });
    for (let i = 0; i < 68 * 60; i += 1) publisher.send({ type: MessageType.data, streamId: 1, timestamp: i, payload });
    while (rig.hub.find('channel')!.publication!.stream.stats.messages < 68 * 60) await new Promise(setImmediate);
    expect(rig.closed).toEqual([]);
  });

  test('media on a message stream whose publish was refused does not get into the other stream', async () => {
    const publisher = await rig.publisher();
    publisher.send(command('publish', 9, [null, 'other', 'live'], 2));
    publisher.send({ ...frame, streamId: 2 });
    publisher.send({ ...frame, streamId: 1, timestamp: 40 });
    const { stats } = rig.hub.find('channel')!.publication!.stream;
    expect([stats.messages, stats.lastTimestamp]).toEqual([1, 40]);
  });

  test('an FCUnpublish from before does not make the loss of a later publish an end', async () => {
    const ends: boolean[] = [];
    const { gate } = rig.context;
    rig.context = {
      ...rig.context,
      gate: {
        admit: (...asked) => gate.admit(...asked),
        leave: (publisher, publication, graceful) => {
          ends.push(graceful);
          gate.leave(publisher, publication, graceful);
        },
      },
    };
    const client = rig.connected();
    client.command('FCUnpublish', null, 'key');
    client.command('publish', null, 'key', 'live');
    await client.settled();
    client.command('FCUnpublish', null, 'key');
    client.command('deleteStream', null, 1);
    client.command('publish', null, 'key', 'live');
    await client.settled();
    client.session.disconnected(undefined);
    expect(ends).toEqual([true, false]);
  });

  test('what waits behind an unfinished frame goes out when the publish is ended by a command, too', async () => {
    const publisher = await rig.publisher();
    const unfinished = publisher.chunks.message({ ...frame, payload: avc.keyframe('unfinished', 5_000) });
    publisher.bytes(unfinished.subarray(0, 140));
    publisher.send({ type: MessageType.audio, streamId: 1, timestamp: 20, payload: aac.frame('sound') }, { csid: 7 });
    const { stats } = rig.hub.find('channel')!.publication!.stream;
    expect(stats.messages).toBe(0);
    publisher.send(command('deleteStream', 9, [null, 1]), { csid: 3 });
    expect(stats.messages).toBe(1);
  });

  test('what came while a publish was decided on is acknowledged with the decision', async () => {
    const client = rig.connected();
    client.send(control(MessageType.windowAckSize, 20_000));
    client.command('publish', null, 'key', 'live');
    client.bytes(
      Buffer.concat(
        Array.from({ length: 300 }, () => client.chunks.message({ ...frame, payload: avc.interFrame('i', 100) })),
      ),
    );
    await client.settled();
    await new Promise(setImmediate);
    expect(client.received.some(({ type }) => type === MessageType.acknowledgement)).toBe(true);
  });

  test('commands and data without a readable name are ignored in mid-stream, and counted', async () => {
    const publisher = await rig.publisher();
    const nameless = [Buffer.from('ffffff', 'hex'), amfEncode(1, 2), Buffer.of(2, 0, 9, 0x70)];
    for (const payload of nameless) {
      for (const type of [MessageType.command, MessageType.commandAmf3, MessageType.data]) {
        publisher.send({ type, streamId: 1, timestamp: 0, payload });
      }
    }
    expect(rig.closed).toEqual([]);
    expect(rig.traffic).toMatchObject({ ignoredCommands: 6, ignoredData: 3 });
    publisher.video(40, frame.payload);
    expect(rig.hub.find('channel')?.publication?.stream.hasVideo).toBe(true);
  });

  test('a publish with values that cannot be read after its name is still a publish', async () => {
    const client = rig.connected();
    const payload = Buffer.concat([amfEncode('publish', 4, null, 'key'), Buffer.of(0x55, 1, 2, 3)]);
    client.send({ type: MessageType.command, streamId: 1, timestamp: 0, payload });
    await Promise.resolve();
    await Promise.resolve();
    expect(client.statuses.at(-1)?.code).toBe('NetStream.Publish.Start');
  });
});
