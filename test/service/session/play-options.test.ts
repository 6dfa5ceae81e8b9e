import { describe, expect, test } from '@jest/globals';
import { avc } from '../../support/media';
import { SessionBench, type SessionClient } from './session-bench';

const isVideo = ({ type }: { readonly type: number }): boolean => type === 9;

/** A player that has asked for this stream name. */
function plays(bench: SessionBench, name: string): SessionClient {
  const client = bench.connected();
  client.command('play', null, name, -2);
  return client;
}

async function published(bench: SessionBench): Promise<SessionClient> {
  const publisher = await bench.publisher();
  publisher.video(0, avc.sequenceHeader());
  publisher.video(0, avc.keyframe('k'));
  return publisher;
}

describe('cache=clear', () => {
  test('gives the cache to this player, and to nobody after it', async () => {
    const bench = new SessionBench();
    await published(bench);
    expect(plays(bench, 'key?cache=clear').received.filter(isVideo)).toHaveLength(2);
    expect(plays(bench, 'key').received.filter(isVideo)).toHaveLength(1);
  });

  test('of a viewer that has a play key only clears nothing', async () => {
    const bench = new SessionBench();
    bench.grant = { streamId: 'id', playKey: 'play' };
    await published(bench);
    expect(plays(bench, 'play?cache=clear').received.filter(isVideo)).toHaveLength(2);
    expect(plays(bench, 'play').received.filter(isVideo)).toHaveLength(2);
  });

  test('clears nothing where the stream is another node’s: the publisher’s key is not known there', async () => {
    const bench = new SessionBench();
    const channel = bench.hub.channel('channel');
    const relay = { clientIp: '', software: '', isRelay: true, kill: () => {}, displaced: () => {} };
    channel.reserve(relay);
    const { stream } = channel.begin(relay, { key: '', grant: { streamId: 'id' }, admitsKey: () => true });
    stream.appendMedia(9, 0, avc.keyframe('k'));
    expect(plays(bench, 'key?cache=clear').received.filter(isVideo)).toHaveLength(1);
    expect(plays(bench, 'key').received.filter(isVideo)).toHaveLength(1);
  });
});
