import { ChunkReader, type MessageReceiver, type ReaderLimits } from '../../../service/protocol/chunk/chunk-reader';
import { encodeMessage } from '../../../service/protocol/chunk/chunk-writer';
import { CollectingSink } from '../../../service/protocol/chunk/collecting-sink';
import { type MessageHeader, MessageType } from '../../../service/protocol/message-types';
import { ProtocolError } from '../../../service/protocol/protocol-errors';
import { captures } from '../../integration/hostile/captures';
import { Input, pieces } from '../engine/input';
import { must, type Target } from '../engine/target';

const LIMITS: ReaderLimits = { maxMessageBytes: 64 * 1024, maxPartialBytes: 128 * 1024, maxChunkStreams: 8 };
/** Bytes at an input's beginning that say how the rest is cut. */
const CUT_BYTES = 16;
const COMPARED_CHUNK_SIZES = [128, 4096];

interface Message extends MessageHeader {
  readonly payload: Buffer;
}

/** What a reader says of its messages, in order. */
class Recorder implements MessageReceiver {
  readonly messages: Message[] = [];
  readonly events: string[] = [];
  #held = 0;

  openMessage(header: MessageHeader): CollectingSink | null {
    must(header.length <= LIMITS.maxMessageBytes, 'a message above the limit was opened');
    if (header.typeId !== MessageType.Audio && header.typeId !== MessageType.Video) return null;
    this.hold(header.length);
    return new Sink(this, header);
  }

  message(header: MessageHeader, payload: Buffer): void {
    this.note(header, payload);
  }

  hold(bytes: number): void {
    this.#held += bytes;
    must(this.#held >= 0 && this.#held <= LIMITS.maxPartialBytes, 'unfinished messages hold more than the limit');
  }

  note({ typeId, timestamp, streamId, length }: MessageHeader, payload: Buffer): void {
    must(payload.length === length, 'a payload has another length than its header says');
    this.messages.push({ typeId, timestamp, streamId, length, payload });
    this.events.push(`${typeId} ${timestamp} ${streamId} ${payload.toString('latin1')}`);
  }
}

class Sink extends CollectingSink {
  readonly #recorder: Recorder;
  readonly #header: MessageHeader;
  #ended = false;

  constructor(recorder: Recorder, { typeId, timestamp, streamId, length }: MessageHeader) {
    super(length);
    this.#recorder = recorder;
    this.#header = { typeId, timestamp, streamId, length };
  }

  complete(): void {
    this.#end();
    this.#recorder.note(this.#header, this.payload);
  }

  override abort(): void {
    this.#end();
    this.#recorder.events.push(`abort ${this.#header.typeId}`);
  }

  #end(): void {
    must(!this.#ended, 'a message ended twice');
    this.#ended = true;
    this.#recorder.hold(-this.#header.length);
  }
}

/** Whole or in pieces, the bytes have the same meaning; what was read can be written, and read again. */
export const target: Target = {
  name: 'chunks',
  reads: 'the chunk stream: headers of every form, Set Chunk Size, Abort',
  maxLength: 768,
  seeds: () =>
    captures('news').map(({ bytes, handshakeEnd }) =>
      Buffer.concat([Buffer.alloc(CUT_BYTES, 7), bytes.subarray(handshakeEnd, handshakeEnd + 600)]),
    ),
  run(data) {
    const bytes = data.subarray(CUT_BYTES);
    const whole = read([Buffer.from(bytes)]);
    const cut = read(pieces(bytes, new Input(data.subarray(0, CUT_BYTES))));
    must(whole.events.join('\n') === cut.events.join('\n'), 'pieces are read in another way than the whole');
    must(whole.fault === cut.fault, 'pieces have another fault than the whole');
    for (const chunkSize of COMPARED_CHUNK_SIZES) readAgain(whole.messages, chunkSize);
  },
};

function read(parts: readonly Buffer[]): Recorder & { fault?: string } {
  const recorder: Recorder & { fault?: string } = new Recorder();
  const reader = new ChunkReader(recorder, LIMITS);
  try {
    for (const part of parts) must(reader.read(part, 0, part.length) === part.length, 'not all bytes were read');
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    recorder.fault = error.message;
  }
  reader.close();
  return recorder;
}

function readAgain(messages: readonly Message[], chunkSize: number): void {
  const recorder = new Recorder();
  const reader = new ChunkReader(recorder, LIMITS);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(chunkSize);
  const written = [encodeMessage(2, 0, MessageType.SetChunkSize, 0, size, 128)];
  for (const { typeId, timestamp, streamId, payload } of messages)
    written.push(encodeMessage(4, timestamp, typeId, streamId, payload, chunkSize));
  const bytes = Buffer.concat(written);
  reader.read(bytes, 0, bytes.length);
  must(recorder.messages.length === messages.length, 'written messages are not all read');
  for (const [i, { typeId, timestamp, streamId, payload }] of messages.entries()) {
    const again = recorder.messages[i]!;
    must(again.typeId === typeId && again.timestamp === timestamp && again.streamId === streamId, 'another header');
    must(again.payload.equals(payload), 'another payload');
  }
}
