import { describe, expect, test } from '@jest/globals';
import { avc } from '../../support/rtmp/media';
import { SessionRig, type SessionClient } from './session-rig';

const isVideo = ({ type }: { readonly type: number }): boolean => type === 9;

/** A player that has asked for this stream name. */
function plays(rig: SessionRig, name: string): SessionClient {
  const client = rig.connected();
  client.command('play', null, name, -2);
  return client;
}

async function published(rig: SessionRig): Promise<SessionClient> {
  const publisher = await rig.publisher();
  publisher.video(0, avc.sequenceHeader());
  publisher.video(0, avc.keyframe('k'));
  return publisher;
}

describe('cache=clear', () => {
  test('gives the cache to this player, and to nobody after it', async () => {
    const rig = new SessionRig();
    await published(rig);
    expect(plays(rig, 'key?cache=clear').received.filter(isVideo)).toHaveLength(2);
    expect(plays(rig, 'key').received.filter(isVideo)).toHaveLength(1);
  });

  test('of a viewer that has a play key only clears nothing', async () => {
    const rig = new SessionRig();
    rig.grant = { streamId: 'id', playKey: 'play' };
    await published(rig);
    expect(plays(rig, 'play?cache=clear').received.filter(isVideo)).toHaveLength(2);
    expect(plays(rig, 'play').received.filter(isVideo)).toHaveLength(2);
  });

  test('clears nothing where the stream is another node’s: the publisher’s key is not known there', async () => {
    const rig = new SessionRig();
    const channel = rig.hub.channel('channel');
    const relay = { clientIp: '', software: '', isRelay: true, kill: () => {}, displaced: () => {} };
    channel.reserve(relay);
    const { stream } = channel.begin(relay, { key: '', grant: { streamId: 'id' }, admitsKey: () => true });
    stream.appendMedia(9, 0, avc.keyframe('k'));
    expect(plays(rig, 'key?cache=clear').received.filter(isVideo)).toHaveLength(1);
    expect(plays(rig, 'key').received.filter(isVideo)).toHaveLength(1);
  });
});
