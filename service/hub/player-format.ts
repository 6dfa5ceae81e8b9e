import { encodedLength } from '../protocol/chunk/chunk-writer';
import { tagLength, writeTag } from '../protocol/flv/flv-tag';

/** The protocols in which players get streams, as metrics name them. */
export const playerProtocols = ['rtmp', 'http-flv', 'ws-flv'] as const;
export type PlayerProtocol = (typeof playerProtocols)[number];

/**
 * How players that do not speak RTMP get their messages: as pieces of FLV tags, each of which their protocol wraps.
 * One object for all players of a protocol: it is how the hub knows that they share their pieces.
 */
export interface PlayerFormat {
  readonly protocol: PlayerProtocol;
  /** The room that `wrap` needs in front of a piece's tags and behind them (bytes). */
  readonly headBytes: number;
  readonly tailBytes: number;
  /**
   * Wraps the tags in `piece[headBytes, end)`.
   *
   * @returns the part of `piece` that is to be sent
   */
  wrap(piece: Buffer, end: number): Buffer;
}

const NOTHING = Buffer.alloc(0);

/** A piece whose tags are being written. */
export class PieceWriter {
  readonly #piece: Buffer;
  #end: number;

  /** @param tagBytes room for tags */
  constructor(
    readonly format: PlayerFormat,
    readonly chunkSize: number,
    tagBytes: number,
  ) {
    this.#piece = Buffer.allocUnsafe(format.headBytes + tagBytes + format.tailBytes);
    this.#end = format.headBytes;
  }

  /** Adds the message whose first chunk starts at `start`. */
  add(encoded: Buffer, start: number): void {
    this.#end = writeTag(encoded, start, this.chunkSize, this.#piece, this.#end);
  }

  /** Adds tags. */
  append(tags: Buffer): void {
    this.#end += tags.copy(this.#piece, this.#end);
  }

  /** The tags added so far. */
  get tags(): Buffer {
    return this.#piece.subarray(this.format.headBytes, this.#end);
  }

  /** The wrapped piece; empty when no tag was added. */
  finish(): Buffer {
    if (this.#end === this.format.headBytes) return NOTHING;
    return this.format.wrap(this.#piece, this.#end);
  }
}

/** A piece of messages that stand one behind the other, encoded as chunks of this size. */
export function pieceOf(encoded: Buffer, chunkSize: number, format: PlayerFormat): Buffer {
  const starts: number[] = [];
  let bytes = 0;
  for (let at = 0; at < encoded.length; at += lengthOf(encoded, at, chunkSize)) {
    starts.push(at);
    bytes += tagLength(encoded, at);
  }
  const writer = new PieceWriter(format, chunkSize, bytes);
  for (const start of starts) writer.add(encoded, start);
  return writer.finish();
}

/** Bytes of the encoded message at this place. */
function lengthOf(encoded: Buffer, at: number, chunkSize: number): number {
  return encodedLength(encoded.readUIntBE(at + 1, 3), encoded.readUIntBE(at + 4, 3), chunkSize);
}
