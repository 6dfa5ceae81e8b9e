import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { LiveStream } from '../../../service/hub/live-stream';
import { SlabPool } from '../../../service/hub/slab';
import type { PayloadSink } from '../../../service/protocol/chunk/payload-sink';
import { MessageType } from '../../../service/protocol/message-types';
import type { FakePlayer } from './fake-player';
import { StreamRig } from './stream-rig';

/**
 * Streams that share one pool of memory, with players that come and go, are fast, slow or stuck, pause and resume, and
 * publishers that interleave, abort and continue after their stream's end. In every order of events a player gets
 * exactly the bytes that were published to its stream, each kind in order.
 */

const CHUNK_SIZE = 65_536;

type Step =
  | {
      readonly do: 'publish';
      readonly kind: 'key' | 'inter' | 'audio';
      readonly size: number;
      readonly piecewise: boolean;
    }
  | { readonly do: 'finish' | 'abort' | 'leave' | 'drain' | 'pause' | 'resume'; readonly which: number }
  | { readonly do: 'join'; readonly fast: boolean; readonly wantsCache: boolean; readonly streamId: number }
  | { readonly do: 'flush' }
  | { readonly do: 'tick' }
  | { readonly do: 'restart' };

const which = fc.nat({ max: 9 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('publish' as const),
      kind: fc.constantFrom('key' as const, 'inter' as const, 'inter' as const, 'audio' as const),
      size: fc.constantFrom(10, 3_000, 50_000, 90_000, 270_000),
      piecewise: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('finish' as const), which }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('abort' as const, 'leave' as const, 'drain' as const, 'pause' as const, 'resume' as const),
      which,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('join' as const),
      fast: fc.boolean(),
      wantsCache: fc.boolean(),
      streamId: fc.constantFrom(1, 1, 1, 2),
    }),
  },
  { weight: 10, arbitrary: fc.constant({ do: 'flush' as const }) },
  { weight: 3, arbitrary: fc.constant({ do: 'tick' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);
const scripts = fc.array(fc.tuple(fc.nat({ max: 1 }), steps), { minLength: 30, maxLength: 200, size: '+1' });

/** One channel: its live stream, who publishes and who plays. */
class Scene {
  rig: StreamRig;
  stream: LiveStream;
  readonly published: Buffer[] = [];
  readonly players: { fake: FakePlayer; wasPaused: boolean; left: boolean }[] = [];
  readonly #pool: SlabPool;
  #open: { sink: PayloadSink; payload: Buffer; sent: number }[] = [];

  constructor(pool: SlabPool) {
    this.#pool = pool;
    this.rig = new StreamRig({ pool, chunkSize: CHUNK_SIZE });
    this.stream = this.rig.stream;
  }

  /** Timestamps count the messages of the scene, so that a received message tells its expected content. */
  publish(kind: 'key' | 'inter' | 'audio', size: number, piecewise: boolean): void {
    const id = this.published.length;
    const tag = kind === 'audio' ? [0xaf, 1] : [kind === 'key' ? 0x17 : 0x27, 1, 0, 0, 0];
    const payload = Buffer.concat([Buffer.from(tag), Buffer.alloc(size, `content of message ${id} `)]);
    this.published.push(payload);
    const sink = this.stream.openMedia(kind === 'audio' ? MessageType.Audio : MessageType.Video, id, payload.length);
    const entry = { sink, payload, sent: 0 };
    this.#open.push(entry);
    add(entry, Math.floor(payload.length / 2));
    if (!piecewise) this.finish(this.#open.length - 1);
  }

  finish(which: number): void {
    const entry = this.#take(which);
    if (entry === undefined) return;
    add(entry, entry.payload.length);
    entry.sink.complete();
  }

  abort(which: number): void {
    this.#take(which)?.sink.abort();
  }

  join(options: { fast: boolean; wantsCache: boolean; streamId: number }): void {
    this.players.push({ fake: this.rig.join(options), wasPaused: false, left: false });
  }

  /** The stream ends and a new stream begins; the publisher may continue messages of the old stream. */
  restart(): void {
    this.stream.end();
    this.rig = new StreamRig({ pool: this.#pool, chunkSize: CHUNK_SIZE });
    this.stream = this.rig.stream;
    for (const { fake, left } of this.players) if (!left) this.stream.addPlayer(fake.player);
  }

  act(step: Step): void {
    if (step.do === 'publish') this.publish(step.kind, step.size, step.piecewise);
    else if (step.do === 'finish') this.finish(step.which);
    else if (step.do === 'abort') this.abort(step.which);
    else if (step.do === 'join') this.join(step);
    else if (step.do === 'flush') this.stream.flush();
    else if (step.do === 'tick') this.stream.tick((this.rig.clock += 1_000));
    else if (step.do === 'restart') this.restart();
    else this.#actOnPlayer(step.do, step.which);
  }

  #actOnPlayer(action: 'leave' | 'drain' | 'pause' | 'resume', which: number): void {
    const entry = this.players[which % Math.max(1, this.players.length)];
    if (entry === undefined) return;
    const { player, outlet } = entry.fake;
    // Bytes that wait in a socket are still sent after the player has left.
    if (action === 'drain') outlet.drain(60_000 * (which + 1));
    else if (entry.left) return;
    else if (action === 'leave') {
      entry.left = true;
      this.stream.removePlayer(player);
    } else if (action === 'pause') {
      player.paused = true;
      entry.wasPaused = true;
      this.stream.playerChanged(player);
    } else if (player.paused) {
      player.paused = false;
      this.stream.resumePlayer(player);
    }
  }

  #take(which: number) {
    return this.#open.splice(which % Math.max(1, this.#open.length), 1)[0];
  }

  expectIntact(): void {
    for (const { fake, wasPaused } of this.players) {
      fake.outlet.drain();
      const last = new Map<number, number>();
      for (const { type, timestamp, payload } of fake.outlet.messages(CHUNK_SIZE)) {
        expect(this.published[timestamp]!.equals(payload)).toBe(true);
        // An unfinished message may be overtaken by messages of other kinds, but not of its own kind.
        if (!wasPaused) expect(timestamp).toBeGreaterThan(last.get(type) ?? -1);
        last.set(type, timestamp);
      }
    }
  }
}

function add(entry: { sink: PayloadSink; payload: Buffer; sent: number }, upTo: number): void {
  entry.sink.append(entry.payload, entry.sent, upTo);
  entry.sent = upTo;
}

test('no player ever gets a wrong byte', () => {
  fc.assert(
    fc.property(scripts, (script) => {
      const pool = new SlabPool(1 << 26);
      const scenes = [new Scene(pool), new Scene(pool)];
      for (const [scene, step] of script) scenes[scene]!.act(step);
      for (const scene of scenes) scene.expectIntact();
    }),
    { numRuns: 150 },
  );
});

test('and memory is used again while they play', () => {
  const pool = new SlabPool(1 << 26);
  const scene = new Scene(pool);
  scene.join({ fast: true, wantsCache: true, streamId: 1 });
  scene.join({ fast: false, wantsCache: true, streamId: 1 });
  for (let i = 0; i < 300; i += 1) {
    scene.publish(i % 10 === 0 ? 'key' : 'inter', 50_000, false);
    scene.stream.flush();
    scene.players[1]!.fake.outlet.drain(i % 7 === 0 ? Infinity : 20_000);
  }
  expect(pool.created).toBeLessThan(10);
  scene.expectIntact();
  expect(scene.players[1]!.fake.outlet.messages(CHUNK_SIZE)).toHaveLength(300);
});
