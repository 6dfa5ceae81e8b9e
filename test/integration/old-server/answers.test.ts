import { describe, expect, test } from '@jest/globals';
import { type Amf } from '../../support/rtmp/amf-test-codec';
import { expectFlows, ServerOfFile } from '../../support/servers/server-of-file';

const server = ServerOfFile.start();

describe('commands that used to get no answer', () => {
  test.each(['releaseStream', 'FCPublish', 'FCUnpublish', 'FCSubscribe', '_checkbw', 'somethingElse'])(
    '%s gets a _result',
    async (name) => {
      const client = await server.connect('live');
      expect(await client.call(name, null, 'key')).toMatchObject({ name: '_result' });
    },
  );

  test('getStreamLength: a live stream has length 0', async () => {
    const client = await server.connect('live');
    expect((await client.call('getStreamLength', null, 'key')).args).toEqual([null, 0]);
  });

  test.each([
    ['FCPublish', 'onFCPublish', 'NetStream.Publish.Start'],
    ['FCSubscribe', 'onFCSubscribe', 'NetStream.Play.Start'],
  ])('after %s comes %s with its transaction id', async (name, event, code) => {
    const client = await server.connect('live');
    const transactionId = client.sendCommand(name, [null, 'key']);
    const message = await client.nextMessage(({ command }) => command?.name === event, event);
    expect(message.command).toMatchObject({ transactionId, args: [null, { code, level: 'status' }] });
  });

  test.each(['releaseStream', 'FCPublish', 'FCSubscribe', '_checkbw', 'somethingElse'])(
    '%s with transaction id 0 asks for no answer and gets none',
    async (name) => {
      const client = await server.connect('live');
      const before = client.received.length;
      client.sendCommand(name, [null, 'key'], 0, 0);
      await client.roundTrip();
      expect(client.received).toHaveLength(before + 1);
    },
  );
});

describe('values that used to be misread', () => {
  const odd: Record<string, Amf> = {
    nested: { inner: { deeper: { value: 1 } }, list: [1, { two: 2 }, []] },
    date: new Date(1_700_000_000_000),
    long: 'x'.repeat(20_000),
    nothing: undefined,
    none: null,
  };

  test('connect with nested objects, dates and long strings before app', async () => {
    const channel = server.newChannel();
    const client = await server.open();
    const answer = await client.call('connect', { ...odd, app: channel });
    expect(answer.name).toBe('_result');
    await client.publish('key');
    await expectFlows(client, await server.player(channel), 'connected');
  });

  test('metadata after a nested object is not lost', async () => {
    const channel = server.newChannel();
    const player = await server.player(channel);
    const publisher = await server.publisher(channel);
    publisher.sendMetadata({ ...odd, width: 1920 });
    expect(await player.nextMetadata()).toEqual({ ...odd, width: 1920 });
  });

  test('objectEncoding that is no number is not echoed', async () => {
    for (const objectEncoding of ['3', { deep: [1] }, null, true]) {
      const client = await server.open();
      const answer = await client.callConnect({ app: 'live', extra: { objectEncoding } });
      expect(answer.args[1]).toMatchObject({ code: 'NetConnection.Connect.Success', objectEncoding: undefined });
    }
  });
});
