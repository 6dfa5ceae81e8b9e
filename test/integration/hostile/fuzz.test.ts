import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { avc, avcAacStream } from '../../support/rtmp/media';
import { count, seed as seedOf } from '../../support/programs/arguments.cjs';
import { residentBytes } from '../../support/programs/process-memory';
import { expectMedia, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { captures } from './captures';
import { mutate, seededRandom } from './mutations';

/** Another seed tries other bytes; a failure's message contains its seed. */
const seed = seedOf('FUZZ_SEED', process.env['FUZZ_SEED'] ?? '20260501');
const connections = count('FUZZ_CONNECTIONS', process.env['FUZZ_CONNECTIONS'] ?? '1500');
const atOnce = 10;

const server = ServerOfFile.start({ LOG_REQUESTS: 'NO' });

/** Sends the bytes, in one piece or cut, and waits until the connection has ended in whatever way. */
async function send(bytes: Buffer, random: () => number): Promise<void> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.setNoDelay(true);
  socket.resume();
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  const cut = random() < 0.3 ? Math.floor(random() * bytes.length) : bytes.length;
  socket.write(bytes.subarray(0, cut));
  if (cut < bytes.length) setImmediate(() => socket.end(bytes.subarray(cut)));
  else if (random() < 0.1) socket.write('', () => socket.resetAndDestroy());
  else socket.end();
  await closed;
}

function expectUnharmed(): void {
  const unexpected = /unexpected error[^]{0,1500}/.exec(server.process.log)?.[0];
  if (unexpected !== undefined) throw new Error(`FUZZ_SEED=${seed}: ${unexpected}`);
  expect(server.process.program.isRunning).toBe(true);
  expect(residentBytes(server.process.pid)).toBeLessThan(300e6);
}

describe(`broken connections (seed ${seed})`, () => {
  test('the captures themselves are good', async () => {
    const player = await server.player('whole', 'key', { extra: { capsEx: 2 } });
    for (const { name, bytes } of captures('whole')) {
      const before = player.media.length;
      await send(bytes, () => 0.99);
      if (name === 'a player') continue;
      await player.waitForStatus('NetStream.Play.UnpublishNotify');
      expect(player.media.length - before).toBeGreaterThan(4);
    }
  });

  test('do no harm: a stream beside them plays on bit-exact, memory is bounded, a publish works afterwards', async () => {
    const [player, publisher] = [await server.player('healthy'), await server.publisher('healthy')];
    const victim = await server.player('broken');
    let sent = 0;
    const random = seededRandom(seed);
    const all = captures('broken');
    for (let done = 0; done < connections; done += atOnce) {
      const batch = Array.from({ length: atOnce }, () => {
        const [one, other] = [0, 0].map(() => all[Math.floor(random() * all.length)]!);
        return send(mutate(one!, other!, random), random);
      });
      publisher.sendVideo(sent * 40, avc.keyframe(`healthy-${(sent += 1)}`, 5_000));
      await Promise.all(batch);
      expectUnharmed();
    }
    await expectMedia(
      player,
      Array.from({ length: sent }, (_, index) => ({
        kind: 'video',
        timestamp: index * 40,
        payload: avc.keyframe(`healthy-${index + 1}`, 5_000),
      })),
    );
    // The parts of broken streams that the player got were always valid RTMP; a broken key closes it regularly.
    if (!victim.statusCodes.includes('NetStream.Play.BadName')) await victim.roundTrip();
    const late = await server.player('broken', 'key');
    const items = avcAacStream('afterwards', 30);
    sendMedia(await server.publisher('broken'), items);
    await expectMedia(late, items);
  }, 120_000);
});
