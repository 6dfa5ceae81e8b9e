import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DirectoryStore } from '../../../../service/outputs/hls/directory-store';
import { HlsChannels } from '../../../../service/outputs/hls/hls-channel';
import type { HlsStore } from '../../../../service/outputs/hls/place';
import { S3Store } from '../../../../service/outputs/hls/s3-store';
import { StoreQueue } from '../../../../service/outputs/hls/store-queue';
import { S3Bucket } from '../../../../service/outputs/s3/s3-bucket';
import { Moto, motoPython, sayThatMotoIsMissing } from '../../../checks/moto';
import { expectConsistent, headers, HlsRig, media, parse } from './hls-rig';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hls-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A store in memory that fails and waits on demand, and notes what it did. */
class TestStore implements HlsStore {
  readonly place = 'test/';
  readonly files = new Map<string, Buffer>();
  readonly did: string[] = [];
  /** Every version of the playlist. */
  readonly playlists: string[] = [];
  faults = 0;
  waits: Promise<void> | undefined;

  read(name: string): Promise<Buffer | undefined> {
    return Promise.resolve(this.files.get(name));
  }

  async write(name: string, bytes: Buffer): Promise<void> {
    await this.waits;
    if (this.faults > 0) {
      this.faults -= 1;
      throw new Error('S3 is away');
    }
    this.did.push(name);
    this.files.set(name, bytes);
    if (name !== 'live.m3u8') return;
    this.playlists.push(String(bytes));
    for (const { uri } of parse(String(bytes)).segments) if (!this.files.has(uri)) throw new Error(`no ${uri}`);
  }

  remove(names: readonly string[]): Promise<void> {
    for (const name of names) this.files.delete(name);
    return Promise.resolve();
  }
}

describe('the queue', () => {
  const queueOf = (store: HlsStore, maxBytes = 1_000) => {
    const faults: string[] = [];
    return { faults, queue: new StoreQueue({ store, maxBytes, retryMs: 1, changed: (fault) => faults.push(fault) }) };
  };

  test('tries again some times, then gives a file up and goes on with the next', async () => {
    const store = new TestStore();
    const { queue, faults } = queueOf(store);
    store.faults = 2;
    const ends: [string, boolean][] = [];
    queue.add('a', Buffer.of(1), 'segment', (isStored) => ends.push(['a', isStored]));
    await queue.close(60_000);
    expect(faults).toEqual(['S3 is away', 'S3 is away', '']);
    const second = queueOf(store);
    store.faults = 4;
    second.queue.add('b', Buffer.of(1), 'segment', (isStored) => ends.push(['b', isStored]));
    second.queue.add('c', Buffer.of(1), 'segment', (isStored) => ends.push(['c', isStored]));
    await second.queue.close(60_000);
    expect(ends).toEqual([
      ['a', true],
      ['b', false],
      ['c', true],
    ]);
  });

  test('leaves out the oldest segments when too much waits, and playlists that were replaced', async () => {
    const store = new TestStore();
    let go = (): void => undefined;
    store.waits = new Promise((resolve) => (go = resolve));
    const { queue } = queueOf(store, 250);
    const lost: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      queue.add(name, Buffer.alloc(100), 'segment', (isStored) => (isStored ? undefined : lost.push(name)));
      queue.add('list', Buffer.from(name), 'playlist');
    }
    expect(queue.waitingBytes).toBeLessThanOrEqual(250);
    go();
    await queue.close(60_000);
    expect(store.did).toEqual(['a', 'd', 'list']);
    expect(lost).toEqual(['b', 'c']);
    expect(String(store.files.get('list'))).toBe('d');
  });
});

describe('a directory', () => {
  test('has segments, then the playlists that list them, and nothing that is not needed any more', async () => {
    const store = new DirectoryStore(folder, 'news');
    const rig = new HlsRig({ store });
    await settled();
    rig.write([...headers(), ...media(0, 41)]);
    await rig.end();
    const names = readdirSync(join(folder, 'news'));
    const playlist = parse(readFileSync(join(folder, 'news/live.m3u8'), 'utf8'));
    expect(playlist.endlist).toBe(true);
    for (const { uri } of playlist.segments) expect(names).toContain(uri);
    expect(names.filter((name) => name.endsWith('.m4s'))).toHaveLength(6);
    expect(names.filter((name) => name.endsWith('.tmp'))).toEqual([]);
    // What is on the disk is not in memory as well.
    expect(rig.channel.file(playlist.segments[0]!.uri)).toBeUndefined();
    const { uri } = playlist.segments[0]!;
    expect((await rig.channel.store?.read(uri))?.length).toBeGreaterThan(1_000);
  });

  test('a channel with another name cannot leave it', () => {
    for (const name of ['..', '.', '../other', 'a/b']) {
      expect(new DirectoryStore(folder, name).place).toMatch(/\/(?:%2E\.|%2E|%2E\.%2Fother|a%2Fb)$/);
    }
  });

  test('channels with long names, and the one without, have folders of their own', () => {
    const long = '\u8a9e'.repeat(100);
    const places = [long, `${long}x`, '', 'news'].map((name) => basename(new DirectoryStore(folder, name).place));
    expect(new Set(places).size).toBe(4);
    for (const place of places) {
      expect(place.length).toBeLessThanOrEqual(200);
      expect(place).not.toBe(basename(folder));
    }
  });

  test('nothing is left of a file that could not be stored', async () => {
    const store = new DirectoryStore(folder, 'news');
    mkdirSync(join(folder, 'news/a.m4s'), { recursive: true });
    await expect(store.write('a.m4s', Buffer.alloc(10))).rejects.toThrow();
    expect(readdirSync(join(folder, 'news'))).toEqual(['a.m4s']);
  });

  test('a program that is started again continues its playlist', async () => {
    const store = new DirectoryStore(folder, 'news');
    const first = new HlsRig({ store });
    await settled();
    first.write([...headers(), ...media(0, 9)]);
    // As after SIGKILL: no end.
    await stored(() => parse(readFileSync(join(folder, 'news/live.m3u8'), 'utf8')).segments.length === 4);
    const before = readFileSync(join(folder, 'news/live.m3u8'), 'utf8');
    const second = new HlsRig({ store: new DirectoryStore(folder, 'news') });
    second.write([...headers(9_000), ...media(9_000, 5)]);
    await stored(() => parse(readFileSync(join(folder, 'news/live.m3u8'), 'utf8')).segments.length === 6);
    const after = readFileSync(join(folder, 'news/live.m3u8'), 'utf8');
    expectConsistent([before, after]);
    expect(parse(after).segments.map(({ discontinuity }) => discontinuity === true)).toEqual([
      ...[false, false, false, false],
      ...[true, false],
    ]);
    await second.end();
  });

  test('a stream that is recorded too stays as a whole when it has ended', async () => {
    const rig = new HlsRig({ store: new DirectoryStore(folder, 'news'), keepsAll: true });
    await settled();
    rig.write([...headers(), ...media(0, 41)]);
    await rig.end();
    const index = readFileSync(join(folder, 'news/index.m3u8'), 'utf8');
    expect(index).toContain('whole.m3u8');
    const whole = parse(readFileSync(join(folder, 'news/whole.m3u8'), 'utf8'));
    expect([whole.playlistType, whole.endlist, whole.segments.length]).toEqual(['VOD', true, 21]);
    const names = readdirSync(join(folder, 'news'));
    for (const { uri } of whole.segments) expect(names).toContain(uri);
  });
});

test('a stream that begins while the one before is still being stored continues its playlist, and stays', async () => {
  const channels = new HlsChannels();
  const store = new TestStore();
  const open = () => new HlsRig({ store, channel: channels.open('news'), over: () => channels.leave('news') });
  const first = open();
  await settled();
  first.write([...headers(), ...media(0, 7)]);
  let go = (): void => undefined;
  store.waits = new Promise((resolve) => (go = resolve));
  first.write(media(7_000, 4));
  const ended = first.end();
  const second = open();
  second.write([...headers(), ...media(0, 7)]);
  await settled();
  go();
  await ended;
  await stored(() => !parse(store.playlists.at(-1)!).endlist);
  expectConsistent(store.playlists.filter((text) => !text.includes('ENDLIST')));
  const numbers = store.playlists.map((text) => {
    const { mediaSequenceBase = 0, segments } = parse(text);
    return mediaSequenceBase + segments.length;
  });
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect([second.channel.isEnded, channels.isLeaving('news')]).toEqual([false, false]);
  await second.end();
  expect(channels.isLeaving('news')).toBe(true);
  channels.close();
});

describe('where players read from the store', () => {
  const rigOf = (store: HlsStore, maxWaitingBytes = 1_000_000) =>
    new HlsRig({ store, isRemote: true, maxWaitingBytes });

  test('a segment that could not be stored is a gap, not a name without a file', async () => {
    const store = new TestStore();
    const rig = rigOf(store, 50_000);
    await settled();
    rig.write([...headers(), ...media(0, 5)]);
    await stored(() => store.playlists.length > 0);
    let go = (): void => undefined;
    store.waits = new Promise((resolve) => (go = resolve));
    // More than may wait.
    rig.write(media(5_000, 60));
    go();
    await rig.end();
    expectConsistent(store.playlists);
    expect(rig.output.status().gaps).toBeGreaterThan(10);
    expect(rig.facts[0]).toMatchObject({ type: 'output.gap', kind: 'hls', channel: 'news', missingMs: 2_000 });
    const last = parse(store.playlists.at(-1)!);
    for (const { uri } of last.segments) expect(store.files.has(uri)).toBe(true);
    expect(last.segments.some(({ discontinuity }) => discontinuity)).toBe(true);
  });

  test('the node that takes a stream over continues the numbers of the one before', async () => {
    const store = new TestStore();
    const first = rigOf(store);
    await settled();
    first.write([...headers(), ...media(0, 9)]);
    await first.end('moved');
    const second = rigOf(store);
    // Messages that come while the playlist is read are not lost.
    second.write([...headers(9_000), ...media(9_000, 7)]);
    await second.end();
    expectConsistent(store.playlists);
    const { segments, endlist, mediaSequenceBase } = parse(store.playlists.at(-1)!);
    expect([endlist, mediaSequenceBase, segments.length]).toEqual([true, 3, 6]);
    expect(segments.map(({ discontinuity }) => discontinuity === true)).toEqual([
      ...[false, false],
      ...[true, false, false, false],
    ]);
  });

  test('it continues what the one before stored while it waited for its first segment', async () => {
    const store = new TestStore();
    const first = rigOf(store);
    await settled();
    first.write([...headers(), ...media(0, 5)]);
    await stored(() => store.playlists.length > 0);
    const second = rigOf(store);
    await settled();
    first.write(media(5_000, 4));
    await first.end('moved');
    const { segments: former } = parse(store.playlists.at(-1)!);
    second.write([...headers(9_000), ...media(9_000, 7)]);
    await second.end();
    expectConsistent(store.playlists);
    // No playlist goes on without the last segment of the one before.
    const lists = store.playlists.map((text) => parse(text).segments.map(({ uri }) => uri));
    const goesOn = lists.find((names) => names.some((name) => former.every(({ uri }) => uri !== name)));
    expect(goesOn).toContain(former.at(-1)!.uri);
  });
});

sayThatMotoIsMissing();
(motoPython === undefined ? describe.skip : describe)('S3', () => {
  let moto: Moto;
  const bucket = new S3Bucket('films');

  beforeAll(async () => {
    moto = await Moto.start();
    Object.assign(process.env, moto.environment);
    await fetch(`${moto.url}/films`, { method: 'PUT' });
  }, 300_000);
  afterAll(async () => {
    bucket.close();
    await moto.stop();
  });

  test('has segments and playlists with their types, and how long caches may keep them', async () => {
    const store = new S3Store(bucket, 'live', 'news');
    const rig = new HlsRig({ store, isRemote: true });
    await store.read('live.m3u8');
    rig.write([...headers(), ...media(0, 5)]);
    await rig.end();
    const client = new S3Client({ endpoint: moto.url, forcePathStyle: true });
    const headOf = async (name: string) => {
      const head = await client.send(new HeadObjectCommand({ Bucket: 'films', Key: `live/news/${name}` }));
      return [head.ContentType, head.CacheControl];
    };
    expect(await headOf('index.m3u8')).toEqual(['application/vnd.apple.mpegurl', 'public, max-age=1']);
    const text = String(await store.read('live.m3u8'));
    const { segments } = parse(text);
    expect(segments).toHaveLength(3);
    expect(await headOf(segments[0]!.uri)).toEqual(['video/iso.segment', 'public, max-age=31536000, immutable']);
    expect(await headOf(segments[0]!.map.uri)).toEqual(['video/mp4', 'public, max-age=31536000, immutable']);
    client.destroy();
    await store.remove([segments[0]!.uri]);
    expect(await store.read(segments[0]!.uri)).toBeUndefined();
  });
});

/** The playlist that was stored before has been read. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function stored(isThere: () => boolean): Promise<void> {
  for (;;) {
    try {
      if (isThere()) return;
    } catch {
      // not yet
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
