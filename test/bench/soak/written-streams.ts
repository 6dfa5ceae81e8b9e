import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Player } from '../load/player';
import { Tally } from '../load/tally';
import { FlvReader } from '../wire/flv-reader';

/** Reads the finished files of a recorded stream, checks that they continue each other without a gap, and deletes them. */
export class RecordedStream {
  files = 0;
  bytes = 0;
  readonly tally = new Tally();
  readonly #folder: string;
  readonly #reader: Player;

  constructor(directory: string, channel: string, stream: number) {
    this.#folder = join(directory, channel);
    this.#reader = new Player(stream, true, this.tally);
  }

  /** @param all the last file is finished, too */
  check(all = false): void {
    const files = filesIn(this.#folder).filter((file) => file.endsWith('.flv'));
    files.sort((one, other) => partOf(one) - partOf(other));
    for (const file of all ? files : files.slice(0, -1)) {
      const content = readFileSync(file);
      // The times of each file begin at zero, so they are not those that were published.
      new FlvReader(this.#reader).read(content, 0, content.length);
      this.files += 1;
      this.bytes += content.length;
      rmSync(file);
    }
  }
}

/** `TIME_ID.flv`, `TIME_ID.2.flv` and so on. */
function partOf(file: string): number {
  return Number(/\.(\d+)\.flv$/.exec(file)?.[1] ?? '1');
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesIn(path) : [path];
  });
}

/** What a stream's HLS playlist lists now. */
export interface Playlist {
  /** The number of the last segment, counted from the stream's beginning. */
  readonly last: number;
  readonly discontinuities: number;
}

/** @param url of the main playlist; the node answers with the address of the stream's files. */
export async function playlistOf(url: string): Promise<Playlist> {
  const main = await textAt(url);
  const media = main.text.split('\n').find((line) => line !== '' && !line.startsWith('#')) ?? '';
  const { text } = await textAt(new URL(media, main.url).href);
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  const first = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1] ?? '0');
  const dropped = Number(/#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)/.exec(text)?.[1] ?? '0');
  return {
    last: first + count(/#EXTINF:/g) - 1,
    discontinuities: dropped + count(/#EXT-X-DISCONTINUITY$/gm),
  };
}

async function textAt(address: string): Promise<{ url: string; text: string }> {
  const response = await fetch(address);
  const text = await response.text();
  if (!response.ok) throw new Error(`${address}: ${response.status} ${text}`);
  return { url: response.url, text };
}
