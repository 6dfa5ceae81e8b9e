import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Program } from './program';
import { repositoryRoot } from '../servers/server-process';

/** Contents of a source file: H.264 and AAC, one of them, or MP3; `tiny` is a second of H.264 and AAC in some 10 KB. */
export type SourceKind = 'h264-aac' | 'h264' | 'aac' | 'mp3' | 'tiny';

const seconds = 2;
const pictures = ['-f', 'lavfi', '-i', `testsrc2=size=320x240:rate=25:duration=${seconds}`];
const tone = ['-f', 'lavfi', '-i', `sine=frequency=440:sample_rate=44100:duration=${seconds}`];
// B-frames make decoding and presentation times differ; a keyframe every second.
const h264 = '-c:v libx264 -preset veryfast -threads 1 -g 25 -sc_threshold 0 -bf 2 -pix_fmt yuv420p'.split(' ');
const aac = '-c:a aac -b:a 96k -ac 2'.split(' ');

const recipes: Record<SourceKind, readonly string[]> = {
  'h264-aac': [...pictures, ...tone, ...h264, ...aac],
  h264: [...pictures, ...h264],
  aac: [...tone, ...aac],
  tiny: [
    ...['-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=25:duration=1'],
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100:duration=1'],
    ...[...h264, '-c:a', 'aac', '-b:a', '24k', '-ac', '1'],
  ],
  mp3: [...tone, '-c:a', 'libmp3lame', '-b:a', '96k', '-ac', '2'],
};

/** An FLV file of 2 seconds (`tiny`: 1), made once and kept in the bundle's folder. */
export async function sourceFile(kind: SourceKind): Promise<string> {
  const folder = join(repositoryRoot, '.build/test-media');
  const recipe = recipes[kind];
  const digest = createHash('sha256').update(recipe.join(' ')).digest('hex').slice(0, 12);
  const path = join(folder, `${kind}-${digest}.flv`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const partial = `${path}.${process.pid}`;
  await ffmpeg([...recipe, '-fflags', '+bitexact', '-f', 'flv', partial]).succeeded();
  renameSync(partial, path);
  return path;
}

/** Runs ffmpeg, quiet except for errors. */
export function ffmpeg(args: readonly string[], timeoutMs?: number): Program {
  return new Program('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y', ...args], { timeoutMs });
}

/** Publishes a file as it is, in real time (`-re`) or as fast as it goes. */
export function publishWithFfmpeg(file: string, url: string, { realTime = true } = {}): Program {
  return ffmpeg([...(realTime ? ['-re'] : []), '-i', file, '-c', 'copy', '-f', 'flv', url]);
}

/** Plays until the stream ends, one video and one audio track unless `which` says otherwise; see `packetsOf`. */
export function playWithFfmpeg(url: string, which: readonly string[] = []): Program {
  return ffmpeg(['-i', url, ...which, ...asPackets]);
}

const asPackets = ['-c', 'copy', '-copyts', '-f', 'framemd5', '-'];

/** One packet as it was in the container: bytes (by hash) and times in milliseconds. */
export interface Packet {
  readonly dts: number;
  readonly pts: number;
  readonly size: number;
  readonly md5: string;
}

export interface Packets {
  readonly video: readonly Packet[];
  readonly audio: readonly Packet[];
  /** Hashes of the codec configurations, by kind. */
  readonly configurations: Readonly<Record<string, string>>;
}

/** The packets that a program has written to its standard output as framemd5. */
export async function packetsOf(program: Program): Promise<Packets> {
  await program.succeeded();
  const kinds = new Map<string, string>();
  const configurations = new Map<string, string>();
  const packets: Record<string, Packet[]> = { video: [], audio: [] };
  for (const line of program.stdout.toString().split('\n')) {
    const header = /^#(media_type|extradata) (\d+)[:,]\s*(?:\d+,\s*)?(\w+)/.exec(line);
    if (header !== null) (header[1] === 'media_type' ? kinds : configurations).set(header[2]!, header[3]!);
    if (line === '' || line.startsWith('#')) continue;
    const [stream, dts, pts, , size, md5] = line.split(',').map((field) => field.trim());
    packets[kinds.get(stream!)!]!.push({ dts: Number(dts), pts: Number(pts), size: Number(size), md5: md5! });
  }
  return {
    video: packets['video']!,
    audio: packets['audio']!,
    configurations: Object.fromEntries([...configurations].map(([stream, hash]) => [kinds.get(stream)!, hash])),
  };
}

/** The packets of a file. */
export function packetsOfFile(file: string): Promise<Packets> {
  return packetsOf(ffmpeg(['-i', file, ...asPackets]));
}
