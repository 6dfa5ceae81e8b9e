import { describe, expect, test } from '@jest/globals';
import {
  ffmpeg,
  packetsOf,
  packetsOfFile,
  playWithFfmpeg,
  sourceFile,
  type Packet,
  type Packets,
} from '../support/programs/ffmpeg';
import { FleetOfFile } from '../support/servers/fleet';
import { mediaOfFlv } from '../support/rtmp/flv-file';
import type { Program } from '../support/programs/program';
import { sendMedia } from '../support/servers/server-of-file';

// At each clock: players that were there before, on the publisher's node and behind a relay, and one that joins late.
const ofFile = FleetOfFile.start({ nodes: 2, environment: { LATENCY_MS: '0' } });

/** Timestamps have 32 bits. */
const CLOCK_MS = 2 ** 32;

/** The frames that a player must see when the encoder's clock was ahead of the file's by this much (ms). */
function shifted(packets: readonly Packet[], aheadMs: number): Packet[] {
  // ffmpeg reads times shortly before the clock wraps as negative.
  const at = (time: number): number => (time + aheadMs + CLOCK_MS) % CLOCK_MS;
  return packets.map((packet) => ({ ...packet, dts: at(packet.dts), pts: at(packet.pts) }));
}

/** A player may continue counting where the clock of 32 bits wraps. */
function onClock({ video, audio, configurations }: Packets): Packets {
  return { video: shifted(video, 0), audio: shifted(audio, 0), configurations };
}

/** Waits until ffmpeg plays this channel on both nodes, on the second by relay. */
async function startPlayers(channel: string): Promise<Program[]> {
  const { fleet } = ofFile;
  const players = [0, 1].map((at) => playWithFfmpeg(fleet.node(at).rtmpUrl(channel, 'key')));
  await Promise.all([0, 1].map((at) => fleet.node(at).waitForLog(new RegExp(`\\) play channel=${channel}\\b`))));
  return players;
}

async function expectPlayed(players: readonly Program[], late: Program, source: Packets, aheadMs: number) {
  const expected = {
    video: shifted(source.video, aheadMs),
    audio: shifted(source.audio, aheadMs),
    configurations: source.configurations,
  };
  for (const player of players) expect(onClock(await packetsOf(player))).toEqual(expected);
  const played = onClock(await packetsOf(late));
  const start = expected.video.findIndex(({ md5 }) => md5 === played.video[0]?.md5);
  expect(start % 25).toBe(0);
  expect(played.video).toEqual(expected.video.slice(start));
  expect(played.audio).toEqual(expected.audio.slice(-played.audio.length));
}

describe('ffmpeg publishes at a clock', () => {
  test.each([
    ['above 2^24 ms', 20_000],
    ['that crosses 2^24 ms', 16_776],
    ['that crosses 2^31 ms but for a second', 2_147_481],
  ])('%s', async (_, aheadSeconds) => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const file = await sourceFile('h264-aac');
    const players = await startPlayers(channel);
    const url = fleet.node(0).rtmpUrl(channel, 'key');
    const offset = ['-output_ts_offset', String(aheadSeconds)];
    const publisher = ffmpeg(['-re', '-copyts', '-i', file, '-c', 'copy', ...offset, '-f', 'flv', url]);
    await fleet.node(0).waitForLog(new RegExp(`publish accepted channel=${channel}\\b`));
    const late = playWithFfmpeg(url);
    await publisher.succeeded();
    await expectPlayed(players, late, await packetsOfFile(file), aheadSeconds * 1000);
  });
});

describe('ffmpeg plays a stream whose clock', () => {
  test.each([
    ['begins at 3,000,000,000 ms', 3_000_000_000],
    ['crosses 2^32 ms', CLOCK_MS - 1_200],
  ])('%s', async (_, aheadMs) => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    const file = await sourceFile('h264-aac');
    const players = await startPlayers(channel);
    const publisher = await fleet.publisher(0, channel);
    await fleet.serving(0, channel);
    const items = mediaOfFlv(file).map((item) => ({ ...item, timestamp: (item.timestamp + aheadMs) % CLOCK_MS }));
    const half = Math.floor(items.length / 2);
    sendMedia(publisher, items.slice(0, half));
    await publisher.roundTrip();
    const late = playWithFfmpeg(fleet.node(0).rtmpUrl(channel, 'key'));
    await fleet.node(0).waitForMatches(new RegExp(`\\) play channel=${channel}\\b(?!.*relay=true)`, 'g'), 2);
    sendMedia(publisher, items.slice(half));
    await publisher.roundTrip();
    publisher.deleteStream();
    await expectPlayed(players, late, await packetsOfFile(file), aheadMs);
  });
});
