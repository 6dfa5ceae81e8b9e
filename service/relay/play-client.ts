import { encodeAmf0 } from '../protocol/amf/amf0-encode';
import type { AmfValue } from '../protocol/amf/amf-value';
import { ChunkReader, type MessageReceiver, PUBLISHER_LIMITS } from '../protocol/chunk/chunk-reader';
import { ChunkStreamId, DEFAULT_CHUNK_SIZE, encodeMessage } from '../protocol/chunk/chunk-writer';
import type { PayloadSink } from '../protocol/chunk/payload-sink';
import { ClientHandshake } from '../protocol/handshake/client-handshake';
import { asObject, asString, decodeCommand } from '../protocol/message/command-message';
import { userControl, UserControlEvent } from '../protocol/message/control-messages';
import { MessageType, type MessageHeader } from '../protocol/message-types';
import { ProtocolError } from '../protocol/protocol-errors';
import { RELAY_SOFTWARE } from '../session/rtmp-commands/command-context';

/** The events of a played stream. */
export interface PlayEvents {
  /** Gives the sink for the payload of an audio or video message. */
  openMedia(typeId: number, timestamp: number, length: number): PayloadSink;
  /** A data message, as the server sent it. */
  data(typeId: number, timestamp: number, payload: Buffer): void;
  /** The stream was unpublished; the connection stays. */
  unpublished(): void;
  /** The server has answered a ping: all that it had sent before has come. */
  pong?(): void;
  /** The server refused, or violated the protocol: the connection cannot be used any more. */
  failed(reason: string): void;
}

export interface PlayRequest {
  readonly app: string;
  readonly tcUrl: string;
  /** Key and query. */
  readonly streamName: string;
}

export interface PlayClientOptions {
  readonly request: PlayRequest;
  readonly events: PlayEvents;
  /** Sends bytes to the server. */
  readonly write: (bytes: Buffer) => void;
}

/** Servers count createStream ids from 1, so `play` need not wait for the answer. */
const STREAM_ID = 1;

/**
 * The client's side of playing one stream: bytes in, bytes out, no socket. Everything after the handshake is sent at
 * once, so that media flows two round trips after the connection is made.
 */
export class PlayClient implements MessageReceiver {
  readonly #events: PlayEvents;
  readonly #request: PlayRequest;
  readonly #write: (bytes: Buffer) => void;
  readonly #reader = new ChunkReader(this, PUBLISHER_LIMITS);
  #handshake: ClientHandshake | null = new ClientHandshake();

  constructor({ request, events, write }: PlayClientOptions) {
    this.#request = request;
    this.#events = events;
    this.#write = write;
  }

  /** The connection is made: sends the handshake. */
  start(): void {
    this.#write(this.#handshake!.request);
  }

  /** Reads bytes from the connection; `source` may be reused as soon as this returns. */
  receive(source: Buffer, start: number, end: number): void {
    try {
      let at = start;
      if (this.#handshake !== null) {
        at += this.#handshake.read(source, start, end);
        const reply = this.#handshake.takeReply();
        if (reply !== undefined) this.#write(Buffer.concat([reply, this.#commands()]));
        if (this.#handshake.done) this.#handshake = null;
      }
      if (at < end) this.#reader.read(source, at, end);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#events.failed(`${error.code}: ${error.message}`);
    }
  }

  /** Asks for an answer; false before the handshake is done. */
  ping(): boolean {
    if (this.#handshake !== null) return false;
    this.#write(userControl(UserControlEvent.PingRequest, 0));
    return true;
  }

  /** Aborts unfinished messages. */
  close(): void {
    this.#reader.close();
  }

  openMessage({ typeId, timestamp, length }: MessageHeader): PayloadSink | null {
    const media = typeId === MessageType.Audio || typeId === MessageType.Video;
    return media && length > 0 ? this.#events.openMedia(typeId, timestamp, length) : null;
  }

  message(header: MessageHeader, payload: Buffer): void {
    if (header.typeId === MessageType.CommandAmf0) this.#command(header.typeId, payload);
    else if (header.typeId === MessageType.DataAmf0) this.#events.data(header.typeId, header.timestamp, payload);
    else if (header.typeId === MessageType.UserControl) this.#userControl(payload);
  }

  #commands(): Buffer {
    const { app, tcUrl, streamName } = this.#request;
    const properties = new Map<string, AmfValue>([
      ['app', app],
      ['flashVer', RELAY_SOFTWARE],
      ['tcUrl', tcUrl],
    ]);
    return Buffer.concat([
      command(0, ['connect', 1, properties]),
      command(0, ['createStream', 2, null]),
      command(STREAM_ID, ['play', 3, null, streamName]),
    ]);
  }

  #command(typeId: number, payload: Buffer): void {
    const message = decodeCommand(typeId, payload);
    if (message === undefined) return;
    const { name, args } = message;
    const info = asObject(args[0]);
    const code = asString(info?.get('code')) ?? '';
    if (name === '_error') this.#events.failed(code);
    if (name !== 'onStatus') return;
    if (info?.get('level') === 'error') this.#events.failed(asString(info.get('description')) ?? code);
    else if (code === 'NetStream.Play.UnpublishNotify') this.#events.unpublished();
  }

  #userControl(payload: Buffer): void {
    if (payload.length < 6) return;
    const event = payload.readUInt16BE(0);
    if (event === UserControlEvent.PingRequest)
      this.#write(userControl(UserControlEvent.PingResponse, payload.readUInt32BE(2)));
    else if (event === UserControlEvent.PingResponse) this.#events.pong?.();
  }
}

function command(streamId: number, values: readonly AmfValue[]): Buffer {
  const payload = encodeAmf0(values);
  // This side sends only short commands, and never another chunk size.
  return encodeMessage(ChunkStreamId.Command, 0, MessageType.CommandAmf0, streamId, payload, DEFAULT_CHUNK_SIZE);
}
