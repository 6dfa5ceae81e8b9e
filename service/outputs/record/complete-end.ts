import type { FileHandle } from 'node:fs/promises';
import { TAG_HEADER_BYTES } from '../../protocol/flv/flv-tag';
import type { RecordFormat } from '../policy/output-policy';

/** Something that small pieces are read from: a file, or bytes. */
export interface Source {
  readonly size: number;
  /** @throws when there are fewer bytes */
  read(at: number, bytes: number): Promise<Buffer>;
}

/** Where the last complete part of a file ends. */
export interface CompleteEnd {
  /** Bytes up to there; 0: nothing in it can be played. */
  readonly bytes: number;
  /** The file's time there (ms); undefined: no later than was known before. */
  readonly ms: number | undefined;
}

const FLV_HEADER_BYTES = 13;
const SIZE_BYTES = 4;
const READ_BYTES = 1024 * 1024;
const BOX_HEADER_BYTES = 8;

/**
 * Finds the end of the last complete tag or fragment in what a killed program left.
 *
 * @param from an offset at which a tag or box begins; 0: the beginning of the file, unless `isWithin`
 * @param isWithin the source is a piece of a file, which begins with a tag or box
 */
export function findCompleteEnd(
  source: Source,
  format: RecordFormat,
  from: number,
  isWithin = false,
): Promise<CompleteEnd> {
  if (format === 'mp4') return lastFragment(source, from);
  return lastTag(source, isWithin ? from : Math.max(from, FLV_HEADER_BYTES), isWithin ? 0 : FLV_HEADER_BYTES);
}

async function lastTag(source: Source, from: number, empty: number): Promise<CompleteEnd> {
  const { size } = source;
  let at = from;
  let ms: number | undefined;
  while (at + TAG_HEADER_BYTES + SIZE_BYTES <= size) {
    const header = await source.read(at, TAG_HEADER_BYTES);
    const type = header[0]!;
    const length = header.readUIntBE(1, 3);
    const time = header.readUIntBE(4, 3) + header[7]! * 0x1000000;
    const end = at + TAG_HEADER_BYTES + length;
    if (end + SIZE_BYTES > size || ![8, 9, 18].includes(type)) break;
    const trailer = await source.read(end, SIZE_BYTES);
    if (trailer.readUInt32BE(0) !== TAG_HEADER_BYTES + length) break;
    at = end + SIZE_BYTES;
    if (type !== 18) ms = Math.max(ms ?? 0, time);
  }
  return { bytes: at > empty ? at : 0, ms };
}

/** A fragment is complete with its `mdat`. */
async function lastFragment(source: Source, from: number): Promise<CompleteEnd> {
  let at = from;
  let complete = from;
  while (at + BOX_HEADER_BYTES <= source.size) {
    const header = await source.read(at, BOX_HEADER_BYTES);
    const length = header.readUInt32BE(0);
    if (length < BOX_HEADER_BYTES || at + length > source.size) break;
    at += length;
    if (header.toString('latin1', 4, BOX_HEADER_BYTES) === 'mdat') complete = at;
  }
  return { bytes: complete, ms: undefined };
}

/** Bytes in memory. */
export class BytesSource implements Source {
  constructor(private readonly bytes: Buffer) {}

  get size(): number {
    return this.bytes.length;
  }

  read(at: number, bytes: number): Promise<Buffer> {
    return Promise.resolve(this.bytes.subarray(at, at + bytes));
  }
}

/** Reads small pieces of a file through a larger window. */
export class FileSource implements Source {
  #window = Buffer.alloc(0);
  #at = 0;

  constructor(
    private readonly file: FileHandle,
    readonly size: number,
  ) {}

  async read(at: number, bytes: number): Promise<Buffer> {
    if (at < this.#at || at + bytes > this.#at + this.#window.length) {
      const window = Buffer.alloc(Math.min(READ_BYTES, this.size - at));
      const { bytesRead } = await this.file.read(window, 0, window.length, at);
      if (bytesRead < bytes) throw new Error('the file became shorter while it was read');
      this.#window = window.subarray(0, bytesRead);
      this.#at = at;
    }
    return this.#window.subarray(at - this.#at, at - this.#at + bytes);
  }
}
