import { beforeEach, describe, expect, test } from '@jest/globals';
import { aac, avc } from '../../support/rtmp/media';
import { MessageType } from '../../support/rtmp/wire-builder';
import { SessionRig, type SessionClient } from './session-rig';

let rig: SessionRig;
beforeEach(() => {
  rig = new SessionRig();
});

function player(): SessionClient {
  const client = rig.connected();
  client.command('play', null, 'key');
  return client;
}

const codes = (client: SessionClient): string[] => client.statuses.map(({ code }) => code);

describe('what waits behind a message that its publisher never finished', () => {
  /** Half a video frame, a whole audio frame, and then the connection breaks. */
  async function breaksOff(): Promise<SessionClient> {
    const viewer = player();
    const publisher = await rig.publisher();
    publisher.bytes(
      publisher.chunks.chunks({
        type: MessageType.video,
        streamId: 1,
        timestamp: 0,
        payload: avc.keyframe('k', 500),
      })[0]!,
    );
    publisher.send({ type: MessageType.audio, streamId: 1, timestamp: 0, payload: aac.frame('last') }, { csid: 21 });
    publisher.session.disconnected(undefined);
    return viewer;
  }

  const heard = (viewer: SessionClient): string[] =>
    viewer.received
      .filter(({ type, command }) => type === MessageType.audio || command?.name === 'onStatus')
      .map(({ payload, command }) => {
        return command === undefined ? payload.toString('latin1') : (command.args[1] as { code: string }).code;
      })
      .slice(2);

  test('goes out before the stream ends', async () => {
    const viewer = await breaksOff();
    expect(heard(viewer)).toEqual([aac.frame('last').toString('latin1'), 'NetStream.Play.UnpublishNotify']);
  });

  test('goes out at once when the stream is held for its publisher', async () => {
    const { gate, hub } = rig.context;
    rig.context = {
      ...rig.context,
      gate: {
        admit: (...asked) => gate.admit(...asked),
        leave: (publisher, { channel }) => hub.find(channel)?.hold(publisher),
      },
    };
    const viewer = await breaksOff();
    expect(heard(viewer)).toEqual([aac.frame('last').toString('latin1')]);
  });
});

describe('a publisher that is let in, but has not been told so yet', () => {
  const letIn = (): SessionClient => {
    const client = rig.connected();
    client.command('publish', null, 'key', 'live');
    return client;
  };

  test('is killed like one that has', async () => {
    const client = letIn();
    rig.hub.find('channel')!.publication!.publisher!.kill('Ended by the operator');
    await client.settled();
    expect(client.statuses).toEqual([expect.objectContaining({ description: 'Ended by the operator' })]);
    expect(client.transport.ended).toBe(true);
    expect(rig.hub.find('channel')).toBeUndefined();
  });

  test('is displaced like one that has', async () => {
    const client = letIn();
    const channel = rig.hub.find('channel')!;
    const next = rig.connected();
    channel.reserve(next.session, true);
    const begun = channel.begin(next.session, { key: 'key', grant: { streamId: '' }, admitsKey: () => true });
    await client.settled();
    expect(codes(client)).not.toContain('NetStream.Publish.Start');
    expect(client.transport.ended).toBe(true);
    expect(channel.publication).toBe(begun);
  });

  test('leaves nothing behind when it goes', async () => {
    const client = letIn();
    client.session.disconnected(undefined);
    await client.settled();
    expect(rig.hub.find('channel')).toBeUndefined();
  });
});

test('a publisher whose bytes cannot be read is lost, and may come back', async () => {
  rig.holdsLost = true;
  const publisher = await rig.publisher();
  const [first] = publisher.chunks.chunks({
    type: MessageType.setChunkSize,
    streamId: 0,
    timestamp: 0,
    payload: Buffer.from([0x80, 0, 0, 0]),
  });
  publisher.bytes(first!);
  expect(rig.closed).toEqual(['protocol_error']);
  expect(rig.hub.find('channel')?.publication).toMatchObject({ publisher: null });
});

test('a client that is closed for reading none of the answers to its play is no player', () => {
  const client = rig.connected();
  client.transport.unsentBytes = 2 ** 30;
  client.command('play', null, 'key');
  expect(rig.closed).toEqual(['too_slow']);
  expect(rig.hub.find('channel')).toBeUndefined();
  expect([...rig.hub.players()]).toEqual([]);
});
