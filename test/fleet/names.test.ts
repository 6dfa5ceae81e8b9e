import { expect, test } from '@jest/globals';
import { FleetOfFile } from '../support/servers/fleet';
import { expectFlows } from '../support/servers/server-of-file';

const ofFile = FleetOfFile.start({
  nodes: 2,
  environment: { ID_ALLOW_SPECIAL_CHARACTERS: 'YES', ID_ALLOW_EMPTY: 'YES' },
});

test.each(['en/live news', '{tag}:*', 'ñ "1"', ''])(
  'channel %j is played from another node and ended by a command',
  async (channel) => {
    const { fleet } = ofFile;
    const publisher = await fleet.publisher(0, channel, 'a/key');
    const player = await fleet.player(1, channel, 'a/key');
    await expectFlows(publisher, player, 'across nodes');
    expect(await fleet.redis.publish('rtmp_commands', `Kill-Session>${channel}`)).toBe(2);
    await publisher.expectClosed();
    await player.waitForStatus('NetStream.Play.UnpublishNotify');
  },
);
