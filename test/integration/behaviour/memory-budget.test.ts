import { expect, test } from '@jest/globals';
import { avc } from '../../support/rtmp/media';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { ServerProcess } from '../../support/servers/server-process';

const MB = 2 ** 20;

test('a node of little memory outlives publishers whose group of pictures never ends, and serves a viewer', async () => {
  const server = await ServerProcess.start({ MEMORY_BUDGET_MB: '64', HTTP_PORT: '0' });
  const port = server.rtmpPort;
  const publishers = await Promise.all(
    [1, 2, 3].map((number) => RtmpClient.publisher({ port, channel: `endless-${number}`, key: 'key' })),
  );
  for (const publisher of publishers) publisher.sendVideo(0, avc.keyframe('k', 100_000));
  for (let sent = 0; sent < 300 * MB; sent += 3 * MB) {
    for (const publisher of publishers) {
      publisher.sendVideo(sent / MB, avc.interFrame('i', MB));
      await publisher.connection.flush();
    }
  }
  await server.waitForLog(/memory is short.*caches=/);
  const metrics = await (await fetch(server.httpUrl('/metrics'))).text();
  expect(Number(/^rtmp_memory_budget_bytes (\d+)/m.exec(metrics)![1])).toBe(64 * MB);
  expect(Number(/^rtmp_memory_relief_total\{kind="cache"\} (\d+)/m.exec(metrics)![1])).toBeGreaterThan(0);

  const [publisher] = publishers;
  const player = await RtmpClient.player({ port, channel: 'endless-1', key: 'key' });
  publisher!.sendVideo(1_000, avc.keyframe('again'));
  const [frame] = await player.takeMedia(1);
  expect(frame!.payload).toEqual(avc.keyframe('again'));
  expect(await server.stop()).toBe(0);
});
