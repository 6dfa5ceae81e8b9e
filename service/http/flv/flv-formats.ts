import { PieceWriter, type PlayerFormat } from '../../hub/player-format';

/** Eight hexadecimal digits and a line break: a piece is below 4 GB. */
const CHUNK_HEAD_BYTES = 10;
const LARGEST_FRAME_HEAD_BYTES = 10;
/** A complete message of binary data (RFC 6455 section 5.2). */
const FINAL_BINARY = 0x82;

/** Each piece is a chunk of an HTTP/1.1 body (RFC 9112 section 7.1). */
export const chunkedBody: PlayerFormat = {
  protocol: 'http-flv',
  headBytes: CHUNK_HEAD_BYTES,
  tailBytes: 2,
  wrap(piece, end) {
    const head = `${(end - CHUNK_HEAD_BYTES).toString(16)}\r\n`;
    const start = CHUNK_HEAD_BYTES - head.length;
    piece.write(head, start, 'latin1');
    piece.write('\r\n', end, 'latin1');
    return piece.subarray(start, end + 2);
  },
};

/** For HTTP/1.0, which has no chunks: the body ends with the connection. */
export const plainBody: PlayerFormat = {
  protocol: 'http-flv',
  headBytes: 0,
  tailBytes: 0,
  wrap: (piece, end) => piece.subarray(0, end),
};

/** Each piece is a binary WebSocket message of one frame. */
export const binaryFrames: PlayerFormat = {
  protocol: 'ws-flv',
  headBytes: LARGEST_FRAME_HEAD_BYTES,
  tailBytes: 0,
  wrap(piece, end) {
    const bytes = end - LARGEST_FRAME_HEAD_BYTES;
    if (bytes < 126) {
      piece[LARGEST_FRAME_HEAD_BYTES - 1] = bytes;
      return withOpcode(piece, LARGEST_FRAME_HEAD_BYTES - 2, end);
    }
    if (bytes < 65_536) {
      piece[LARGEST_FRAME_HEAD_BYTES - 3] = 126;
      piece.writeUInt16BE(bytes, LARGEST_FRAME_HEAD_BYTES - 2);
      return withOpcode(piece, LARGEST_FRAME_HEAD_BYTES - 4, end);
    }
    piece[1] = 127;
    piece.writeUInt32BE(0, 2);
    piece.writeUInt32BE(bytes, 6);
    return withOpcode(piece, 0, end);
  },
};

function withOpcode(piece: Buffer, start: number, end: number): Buffer {
  piece[start] = FINAL_BINARY;
  return piece.subarray(start, end);
}

/** Bytes of an FLV stream in this format. */
export function wrapped(bytes: Buffer, format: PlayerFormat): Buffer {
  const writer = new PieceWriter(format, 0, bytes.length);
  writer.append(bytes);
  return writer.finish();
}
