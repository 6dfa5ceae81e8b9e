import { describe, expect, test } from '@jest/globals';
import { type Amf, amfEncode, ecma } from '../../support/rtmp/amf-test-codec';
import { ServerOfFile } from '../../support/servers/server-of-file';
import { MessageType } from '../../support/rtmp/wire-builder';

const server = ServerOfFile.start();

const description: Record<string, Amf> = {
  width: 1920,
  height: 1080,
  framerate: 29.97,
  stereo: true,
  encoder: 'test ü €',
  '2.1': false,
  nested: { cuePoints: [1, { deep: null }], date: new Date(1_600_000_000_000) },
  after: 'the nested object',
};

describe('metadata', () => {
  test('@setDataFrame onMetaData reaches early and late players as onMetaData with the same values', async () => {
    const channel = server.newChannel();
    const early = await server.player(channel);
    const publisher = await server.publisher(channel);
    publisher.sendMetadata(description);
    expect(await early.nextMetadata()).toEqual(description);
    const late = await server.player(channel);
    expect(await late.nextMetadata()).toEqual(description);
    for (const { received } of [early, late]) {
      expect(received.filter(({ type }) => type === MessageType.data).map(({ data }) => data?.[0])).toEqual([
        '|RtmpSampleAccess',
        'onMetaData',
      ]);
    }
  });

  const forms: [string, (values: Record<string, Amf>) => { type: number; payload: Buffer }][] = [
    ['a plain object', (values) => ({ type: 18, payload: amfEncode('@setDataFrame', 'onMetaData', values) })],
    [
      'an ECMA array with a wrong count',
      (values) => ({ type: 18, payload: amfEncode('@setDataFrame', 'onMetaData', ecma(values, 0)) }),
    ],
    ['a bare onMetaData', (values) => ({ type: 18, payload: amfEncode('onMetaData', ecma(values)) })],
    [
      'an AMF3 data message (type 15 with a 0 byte)',
      (values) => ({
        type: 15,
        payload: Buffer.concat([Buffer.of(0), amfEncode('@setDataFrame', 'onMetaData', ecma(values))]),
      }),
    ],
    [
      'type 15 without the 0 byte',
      (values) => ({ type: 15, payload: amfEncode('@setDataFrame', 'onMetaData', values) }),
    ],
  ];
  test.each(forms)('sent as %s', async (_, form) => {
    const channel = server.newChannel();
    const early = await server.player(channel);
    const publisher = await server.publisher(channel);
    publisher.connection.send({ ...form(description), streamId: publisher.streamId, timestamp: 0 });
    expect(await early.nextMetadata()).toEqual(description);
    expect(await (await server.player(channel)).nextMetadata()).toEqual(description);
  });

  test('updated in mid-stream: players get it at once, late joiners get the newest', async () => {
    const channel = server.newChannel();
    const early = await server.player(channel);
    const publisher = await server.publisher(channel);
    publisher.sendMetadata({ title: 'first' });
    expect(await early.nextMetadata()).toEqual({ title: 'first' });
    publisher.sendMetadata({ title: 'second' });
    expect(await early.nextMetadata()).toEqual({ title: 'second' });
    const late = await server.player(channel);
    expect(await late.nextMetadata()).toEqual({ title: 'second' });
  });

  test.each(['onTextData', 'onCuePoint', 'onFI', 'custom'])('%s passes through to players as it is', async (name) => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel);
    publisher.sendData(1_234, name, { text: 'hello', n: 1 });
    publisher.sendData(1_235, '@setDataFrame', name, { wrapped: true });
    const fits = ({ data }: { data?: readonly Amf[] }): boolean => data?.[0] === name;
    const first = await player.nextMessage(fits, name);
    expect(first).toMatchObject({ timestamp: 1_234, data: [name, { text: 'hello', n: 1 }] });
    expect((await player.nextMessage(fits, name)).data).toEqual([name, { wrapped: true }]);
    expect((await server.player(channel)).received.some(fits)).toBe(false);
  });

  test('a stream that is published again does not show the metadata of the one before', async () => {
    const channel = server.newChannel();
    const publisher = await server.publisher(channel);
    publisher.sendMetadata({ title: 'old' });
    publisher.deleteStream();
    await publisher.waitForStatus('NetStream.Unpublish.Success');
    await publisher.publish('key');
    const player = await server.player(channel);
    publisher.sendData(0, 'onTextData', 'marker');
    await player.nextMessage(({ data }) => data?.[0] === 'onTextData', 'the marker');
    expect(player.received.map(({ data }) => data?.[0])).not.toContain('onMetaData');
  });
});
