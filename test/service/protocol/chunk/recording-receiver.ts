import { ChunkReader, type MessageReceiver, type ReaderLimits } from '../../../../service/protocol/chunk/chunk-reader';
import type { PayloadSink } from '../../../../service/protocol/chunk/payload-sink';
import { MessageType, type MessageHeader } from '../../../../service/protocol/message-types';

/** A message as it came out of the reader; audio and video through a sink, the others collected. */
export interface ReadMessage {
  readonly type: number;
  readonly streamId: number;
  readonly timestamp: number;
  readonly payload: Buffer;
}

export const GENEROUS_LIMITS: ReaderLimits = {
  maxMessageBytes: 0xffffff,
  maxPartialBytes: 1 << 26,
  maxChunkStreams: 64,
};

/** A complete message as one line, which is quick to compare. */
export function inWords({ type, streamId, timestamp, payload }: ReadMessage): string {
  return `type ${type} on ${streamId} at ${timestamp}: ${payload.toString('hex')}`;
}

/** Records a reader's output: complete messages in their order, and how many were aborted. */
export class RecordingReceiver implements MessageReceiver {
  readonly messages: ReadMessage[] = [];
  aborted = 0;
  /** In how many pieces their payloads came. */
  pieces = 0;
  /** Called with each message when it is complete. */
  onMessage: (message: ReadMessage) => void = () => {};

  openMessage({ typeId, streamId, timestamp, length }: MessageHeader): PayloadSink | null {
    if (typeId !== MessageType.Audio && typeId !== MessageType.Video) return null;
    const payload = Buffer.alloc(length);
    let filled = 0;
    return {
      append: (source, start, end) => {
        this.pieces += 1;
        filled += source.copy(payload, filled, start, end);
      },
      complete: () => {
        if (filled !== length) throw new Error(`${filled} of ${length} bytes`);
        this.#add({ type: typeId, streamId, timestamp, payload });
      },
      abort: () => {
        this.aborted += 1;
      },
    };
  }

  message({ typeId, streamId, timestamp }: MessageHeader, payload: Buffer): void {
    this.#add({ type: typeId, streamId, timestamp, payload });
  }

  #add(message: ReadMessage): void {
    this.messages.push(message);
    this.onMessage(message);
  }
}

/**
 * Reads the wire cut before each of the given offsets, every piece out of one buffer that is overwritten afterwards,
 * as sockets do it.
 */
export function readInPieces(wire: Buffer, cuts: readonly number[], limits = GENEROUS_LIMITS): RecordingReceiver {
  const receiver = new RecordingReceiver();
  const reader = new ChunkReader(receiver, limits);
  const scratch = Buffer.alloc(wire.length + 2);
  const borders = [...new Set([0, ...cuts.filter((cut) => cut <= wire.length), wire.length])].sort((a, b) => a - b);
  for (let i = 0; i + 1 < borders.length; i += 1) {
    const [from, to] = [borders[i]!, borders[i + 1]!];
    wire.copy(scratch, 1, from, to);
    const consumed = reader.read(scratch, 1, 1 + to - from);
    if (consumed !== 1 + to - from) throw new Error(`read ${consumed - 1} of ${to - from} bytes`);
    scratch.fill(0xee);
  }
  return receiver;
}

/** All of it at once. */
export function readWhole(wire: Buffer, limits = GENEROUS_LIMITS): RecordingReceiver {
  return readInPieces(wire, [], limits);
}
