import { describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { packetsOf, packetsOfFile, playWithFfmpeg, publishWithFfmpeg, sourceFile } from '../support/programs/ffmpeg';
import { type Fleet, FleetOfFile } from '../support/servers/fleet';
import { aac, avc, avcAacStream } from '../support/rtmp/media';
import { expectFlows, expectMedia, fingerprints, sendMedia } from '../support/servers/server-of-file';

const ofFile = FleetOfFile.start({ callbacks: true });

describe('a stream on any node', () => {
  test('is the same for ffmpeg players on all of them, packet for packet', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const file = await sourceFile('h264-aac');
    const players = [0, 1, 2].map((at) => playWithFfmpeg(fleet.node(at).rtmpUrl(channel, 'key')));
    await Promise.all([0, 1, 2].map((at) => fleet.node(at).waitForLog(new RegExp(`\\) play channel=${channel}`))));
    await publishWithFfmpeg(file, fleet.node(1).rtmpUrl(channel, 'key')).succeeded();
    const source = await packetsOfFile(file);
    for (const player of players) expect(await packetsOf(player)).toEqual(source);
  });

  test('reaches players elsewhere with its description and timestamps', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    const players = [await fleet.player(1, channel), await fleet.player(2, channel)];
    await fleet.serving(0, channel, 2);
    publisher.sendMetadata({ width: 1280, encoder: 'test' });
    const media = avcAacStream('whole', 60);
    sendMedia(publisher, media);
    for (const player of players) {
      expect(await player.nextMetadata()).toEqual({ width: 1280, encoder: 'test' });
      await expectMedia(player, media);
    }
  });

  test('is for those who come back before it has brought anything to where they left', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    const first = await fleet.player(1, channel);
    await fleet.serving(0, channel);
    await first.close();
    await fleet.node(1).waitForLog(new RegExp(`play ended channel=${channel}`));
    await expectFlows(publisher, await fleet.player(1, channel), 'for the one who came back');
  });

  test('begins for a late player elsewhere with headers and the last keyframe', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    const local = await fleet.player(0, channel);
    const media = avcAacStream('late', 60);
    const [videoHeader, audioHeader] = media;
    publisher.sendMetadata({ width: 640 });
    sendMedia(publisher, media);
    await local.waitForPayload(media.at(-1)!.payload);
    const expected = [audioHeader!, videoHeader!, ...media.slice(2 + 2 * 50)];
    const first = await fleet.player(1, channel);
    expect(await first.nextMetadata()).toEqual({ width: 640 });
    await expectMedia(first, expected);
    // The second player gets the stream that its node already has.
    await expectMedia(await fleet.player(1, channel), expected);
  });

  test('whose node has died has no start for late players elsewhere: it would be an old one', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    const early = await fleet.player(1, channel);
    const media = avcAacStream('old', 20);
    await fleet.serving(0, channel);
    sendMedia(publisher, media);
    await early.waitForPayload(media.at(-1)!.payload);
    await fleet.node(0).stop('SIGKILL');
    await fleet.node(1).waitForLog(new RegExp(`relay ended channel=${channel}`));
    const late = await fleet.player(1, channel);
    await late.roundTrip();
    expect(fingerprints(late.media)).toEqual(fingerprints(media.slice(0, 2).reverse()));
    await fleet.restartNode(0);
    await expectFlows(await fleet.publisherWhenPossible(2, channel), late, 'fresh');
  });

  test('is fetched once by each node, however many players it has there', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const players = await Promise.all([1, 1, 1, 1, 2, 2, 2, 2].map((at) => fleet.player(at, channel)));
    const publisher = await fleet.publisher(0, channel);
    await fleet.serving(0, channel, 2);
    players.push(await fleet.player(1, channel), await fleet.player(2, channel));
    for (const player of players) await expectFlows(publisher, player, 'to all');
    expect(fleet.relaysServed(0, channel)).toBe(2);
    const [report] = await fleet.streams(1, channel);
    expect(report).toMatchObject({ channel, relay: true, players: 5 });
  });

  test('ends for players elsewhere as on one node: they are told, and get the next one', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const players = await Promise.all([0, 1, 2].map((at) => fleet.player(at, channel)));
    for (const at of [0, 2, 1]) {
      const publisher = await fleet.publisher(at, channel);
      const label = `from ${at}`;
      sendMedia(publisher, avcAacStream(label, 2));
      for (const player of players) await player.waitForPayload(avc.interFrame(`${label}-v1`, 400));
      publisher.deleteStream();
      for (const player of players) await player.waitForStatus('NetStream.Play.UnpublishNotify');
    }
  });

  test('is not for those with another key, before and after it is there', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const early = await fleet.player(1, channel, 'wrong');
    const publisher = await fleet.publisher(0, channel, 'right');
    const viewer = await fleet.player(1, channel, 'right');
    await expectFlows(publisher, viewer, 'for the right one');
    await early.waitForStatus('NetStream.Play.BadName');
    await early.expectClosed();
    await expect(fleet.player(1, channel, 'wrong')).rejects.toThrow('Wrong stream key');
    const late = await fleet.player(2, channel, 'wrong');
    await late.waitForStatus('NetStream.Play.BadName');
  });

  test('is for those with the play key, where the handler gave one', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    fleet.journal.answer(channel, () => ({ headers: { 'stream-id': 'id', 'play-key': 'for-viewers' } }));
    const publisher = await fleet.publisher(0, channel, 'secret');
    const viewer = await fleet.player(1, channel, 'for-viewers');
    await expectFlows(publisher, viewer, 'for viewers');
    await expect(fleet.player(1, channel, 'secret')).rejects.toThrow('Wrong stream key');
    expect(JSON.stringify(await fleet.streams(1, channel))).not.toMatch(/secret|for-viewers/);
  });
});

describe('what a client can make a node do by playing', () => {
  test('a wrong key brings no stream from another node', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    const stranger = await fleet.connect(1, channel);
    await stranger.play('wrong').catch(() => undefined);
    await stranger.expectClosed();
    expect(fleet.relaysServed(0, channel)).toBe(0);
    await expectFlows(publisher, await fleet.player(1, channel), 'for those with the key');
  });

  test('plays of channels that nobody publishes cost the registry little, one or many', async () => {
    const { fleet } = ofFile;
    const scripts = async (): Promise<number> => {
      const stats = await fleet.redis.withClient((client) => client.info('commandstats'));
      return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0);
    };
    const before = await scripts();
    const one = fleet.newChannel();
    const playOften = async (): Promise<void> => {
      for (let i = 0; i < 30; i += 1) {
        const client = await fleet.player(1, one);
        client.connection.socket.destroy();
      }
    };
    await Promise.all(Array.from({ length: 10 }, playOften));
    // Renewals of all nodes are among them.
    expect((await scripts()) - before).toBeLessThan(150);
  });
});

test('changes of a channel are announced to the nodes whose viewers wait for it, as long as they do', async () => {
  const { fleet } = ofFile;
  const channel = fleet.newChannel();
  const listening = (): Promise<number> =>
    fleet.redis.withClient(async (client) => {
      const [, count] = (await client.call('PUBSUB', 'NUMSUB', `{rtmp}:channel ${channel}`)) as [string, number];
      return count;
    });
  const until = async (count: number): Promise<void> => {
    while ((await listening()) !== count) await new Promise(setImmediate);
  };
  const publisher = await fleet.publisher(0, channel);
  expect(await listening()).toBe(0);
  const player = await fleet.player(1, channel);
  await until(1);
  await expectFlows(publisher, player, 'to one who waits');
  await player.close();
  await until(0);
});

describe('RTMP_PLAY_WHITELIST', () => {
  const guarded = FleetOfFile.start({ nodes: 2, environment: { RTMP_PLAY_WHITELIST: '127.0.0.9' } });

  test('holds on every node, for viewers and not for relays', async () => {
    const { fleet } = guarded;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    const viewer = await fleet.player(1, channel, 'key', { localAddress: '127.0.0.9' });
    await expectFlows(publisher, viewer, 'allowed');
    for (const at of [0, 1])
      await expect(fleet.player(at, channel)).rejects.toThrow('This address may not play (RTMP_PLAY_WHITELIST)');
  });

  test('cannot be passed with a token that this fleet did not make for this channel just now', async () => {
    const { fleet } = guarded;
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    const secret = await fleetSecret(fleet);
    const good = await fleet.player(0, channel, `relay?fleet=${await token({ channel }, secret)}`);
    await expectFlows(publisher, good, 'with a good token');
    const bad = {
      forged: await token({ channel }, Buffer.alloc(32)),
      'of another channel': await token({ channel: 'other' }, secret),
      expired: await token({ channel }, secret, -60),
      'for another node': await token({ channel }, secret, 30, 'rtmp-relay', 'n1'),
      'without an end': await token({ channel }, secret, undefined),
      'for something else': await token({ channel }, secret, 30, 'rtmp_event'),
      unsigned: `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`,
      empty: '',
    };
    for (const [what, text] of Object.entries(bad)) {
      const played = fleet.player(0, channel, `relay?fleet=${text}`);
      await expect(played.catch((error: unknown) => `${what}: ${String(error)}`)).resolves.toMatch(
        new RegExp(`^${what}: .*Bad relay token`),
      );
    }
  });
});

test('audio alone, and a stream that nobody watches, need no keyframe and no relay', async () => {
  const { fleet } = ofFile;
  const channel = fleet.newChannel();
  const publisher = await fleet.publisher(0, channel);
  publisher.sendAudio(0, aac.sequenceHeader());
  publisher.sendAudio(20, aac.frame('first'));
  await publisher.roundTrip();
  expect(fleet.relaysServed(0, channel)).toBe(0);
  const player = await fleet.player(2, channel);
  await player.waitForPayload(aac.sequenceHeader());
  await player.waitForPayload(aac.frame('first'));
});

async function fleetSecret(fleet: Fleet): Promise<Buffer> {
  return Buffer.from((await fleet.redis.withClient((client) => client.get('{rtmp}:secret'))) ?? '', 'base64');
}

function token(claims: Record<string, string>, secret: Buffer, seconds?: number, subject = 'rtmp-relay', node = 'n0') {
  const lifetime = arguments.length > 2 ? seconds : 30;
  const jwt = new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .setAudience(node)
    .setIssuedAt();
  if (lifetime !== undefined) jwt.setExpirationTime(Math.floor(Date.now() / 1000) + lifetime);
  return jwt.sign(secret);
}
