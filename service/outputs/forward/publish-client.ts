import { encodeAmf0 } from '../../protocol/amf/amf0-encode';
import type { AmfObject, AmfValue } from '../../protocol/amf/amf-value';
import { ChunkReader, type MessageReceiver, type ReaderLimits } from '../../protocol/chunk/chunk-reader';
import { ChunkStreamId, DEFAULT_CHUNK_SIZE, encodeMessage } from '../../protocol/chunk/chunk-writer';
import { discardingSink, type PayloadSink } from '../../protocol/chunk/payload-sink';
import { ClientHandshake } from '../../protocol/handshake/client-handshake';
import { asObject, asString, type CommandMessage, decodeCommand } from '../../protocol/message/command-message';
import {
  acknowledgement,
  setChunkSize,
  userControl,
  UserControlEvent,
  windowAckSize,
} from '../../protocol/message/control-messages';
import { type MessageHeader, MessageType } from '../../protocol/message-types';
import { ProtocolError } from '../../protocol/protocol-errors';
import type { ForwardTarget } from '../policy/forward-url';
import { answerChallenge, type Nonce } from './challenge';
import type { EndKind } from './retry-plan';
import { TargetSupport } from './target-support';
import { withoutSecrets } from './without-secrets';

/** The events of one connection to a target. Nothing comes after `ended` and `challenged`. */
export interface PublishEvents {
  /** The target takes the stream now. */
  ready(support: TargetSupport): void;
  /** The target asks for a new connection, to this address if it names one (Enhanced RTMP v2). */
  moved(tcUrl: string | undefined): void;
  /** The next connection must have this query in app and tcUrl, to authenticate. */
  challenged(query: string): void;
  /** The connection cannot be used any more. */
  ended(kind: EndKind, reason: string): void;
}

export interface PublishClientOptions {
  readonly target: ForwardTarget;
  /** The answer to a challenge of an earlier connection, appended to app and tcUrl; otherwise empty. */
  readonly query: string;
  readonly events: PublishEvents;
  readonly write: (bytes: Buffer) => void;
  readonly nonce?: Nonce | undefined;
}

/** Outgoing chunks, as OBS Studio sends them: every service takes these. */
export const OUTGOING_CHUNK_SIZE = 4096;

/** Services recognize encoders by it: some ask for a user and a password only then. */
const FLASH_VERSION = 'FMLE/3.0 (compatible; FMSc/1.0)';
const FOUR_CCS = ['av01', 'hvc1', 'vp09', 'vp08', 'vvc1', 'avc1', 'mp4a', '.mp3', 'Opus', 'fLaC', 'ac-3', 'ec-3'];
/** Enhanced RTMP v2: this client understands a request to reconnect, and sends multitrack and ModEx. */
const CAPS_EX = 1 | 2 | 4;

/** The transaction ids of what is asked. Answers come in any order, or not at all. */
const Call = { Connect: 1, ReleaseStream: 2, FcPublish: 3, CreateStream: 4, Publish: 5, FcUnpublish: 6 } as const;

/** A target has only short answers to send. */
const LIMITS: ReaderLimits = { maxMessageBytes: 256 * 1024, maxPartialBytes: 512 * 1024, maxChunkStreams: 32 };

/**
 * The client's side of publishing one stream: bytes in, bytes out, no socket. The caller sends the media, on `streamId`,
 * as soon as it hears `ready`.
 */
export class PublishClient implements MessageReceiver {
  /** The message stream, from `ready` on. */
  streamId = 1;

  readonly #options: PublishClientOptions;
  readonly #reader = new ChunkReader(this, LIMITS);
  #handshake: ClientHandshake | null = new ClientHandshake();
  #support = new TargetSupport();
  #isPublishing = false;
  /** Publish.Start came: some targets send it in answer to FCPublish, before `publish`, and some twice. */
  #isStarted = false;
  #isReady = false;
  #isOver = false;
  /** Bytes received, how many of them were acknowledged, and how many may be unacknowledged; 0: no limit known. */
  #received = 0;
  #acknowledged = 0;
  #window = 0;

  constructor(options: PublishClientOptions) {
    this.#options = options;
  }

  /** The connection is made: sends the handshake. */
  start(): void {
    this.#write(this.#handshake!.request);
  }

  /** Whether the target has answered the handshake. */
  get isOpen(): boolean {
    return this.#handshake === null;
  }

  /** Reads bytes from the connection. */
  receive(source: Buffer): void {
    if (this.#isOver) return;
    this.#received += source.length;
    try {
      const at = this.#handshake === null ? 0 : this.#shakeHands(this.#handshake, source);
      if (at < source.length) this.#reader.read(source, at, source.length);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#end('lost', `the target does not speak RTMP properly: ${error.code}`);
    }
    if (this.#window > 0 && this.#received - this.#acknowledged >= this.#window / 2) this.#acknowledge();
  }

  /** Ends the stream properly: to be sent after its last frame. */
  farewell(): Buffer {
    return Buffer.concat([
      command(0, ['FCUnpublish', Call.FcUnpublish, null, this.#options.target.key]),
      command(0, ['deleteStream', 0, null, this.streamId]),
    ]);
  }

  /** Nothing is read and told any more. */
  close(): void {
    this.#isOver = true;
    this.#reader.close();
  }

  openMessage({ typeId }: MessageHeader): PayloadSink | null {
    // Targets have no media to send.
    return typeId === MessageType.Audio || typeId === MessageType.Video ? discardingSink : null;
  }

  message({ typeId }: MessageHeader, payload: Buffer): void {
    if (this.#isOver) return;
    if (typeId === MessageType.CommandAmf0 || typeId === MessageType.CommandAmf3) {
      const received = decodeCommand(typeId, payload);
      if (received !== undefined) this.#command(received);
    } else if (typeId === MessageType.UserControl) this.#userControl(payload);
    else if (typeId === MessageType.WindowAckSize && payload.length >= 4) this.#window = payload.readUInt32BE(0);
    else if (typeId === MessageType.SetPeerBandwidth && payload.length >= 4) {
      this.#write(windowAckSize(payload.readUInt32BE(0)));
    }
  }

  #shakeHands(handshake: ClientHandshake, source: Buffer): number {
    const at = handshake.read(source, 0, source.length);
    const reply = handshake.takeReply();
    if (reply !== undefined) this.#write(reply);
    if (!handshake.done) return at;
    this.#handshake = null;
    this.#write(this.#connect());
    return at;
  }

  #connect(): Buffer {
    const { target, query } = this.#options;
    const tcUrl = target.tcUrl + query;
    const properties = new Map<string, AmfValue>([
      ['app', target.app + query],
      ['type', 'nonprivate'],
      ['flashVer', FLASH_VERSION],
      ['swfUrl', tcUrl],
      ['tcUrl', tcUrl],
      ['objectEncoding', 0],
      ['fourCcList', [...FOUR_CCS]],
      ['capsEx', CAPS_EX],
    ]);
    return command(0, ['connect', Call.Connect, properties]);
  }

  #command({ name, transactionId, object, args }: CommandMessage): void {
    const info = asObject(args[0]) ?? asObject(object);
    if (name === '_result') this.#result(transactionId, asObject(object), args);
    else if (name === '_error') this.#error(transactionId, info);
    else if (name === 'onStatus') this.#status(info);
    else if (name === 'onFCPublish' && isError(info)) this.#refused(info);
    else if (name === 'close') this.#end('lost', 'the target ended the connection');
  }

  #result(transactionId: number, properties: AmfObject | undefined, args: readonly AmfValue[]): void {
    if (transactionId === Call.Connect) {
      const info = asObject(args[0]);
      if (isError(info)) this.#connectError(info);
      else this.#connected(properties, info);
    } else if (transactionId === Call.CreateStream && !this.#isPublishing) {
      const id = args.find((value) => typeof value === 'number');
      if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id <= 0xffffffff) this.streamId = id;
      this.#isPublishing = true;
      this.#write(command(this.streamId, ['publish', Call.Publish, null, this.#options.target.key, 'live']));
      if (this.#isStarted) this.#ready();
    }
  }

  #connected(properties: AmfObject | undefined, info: AmfObject | undefined): void {
    const { key } = this.#options.target;
    this.#support = new TargetSupport(properties, info);
    this.#write(
      Buffer.concat([
        setChunkSize(OUTGOING_CHUNK_SIZE),
        command(0, ['releaseStream', Call.ReleaseStream, null, key]),
        command(0, ['FCPublish', Call.FcPublish, null, key]),
        command(0, ['createStream', Call.CreateStream, null]),
      ]),
    );
  }

  /** Refusals of releaseStream and FCPublish mean nothing: many servers do not know these commands. */
  #error(transactionId: number, info: AmfObject | undefined): void {
    if (transactionId === Call.Connect) this.#connectError(info);
    else if (transactionId === Call.CreateStream || transactionId === Call.Publish) this.#refused(info);
  }

  #connectError(info: AmfObject | undefined): void {
    const { target, query, nonce, events } = this.#options;
    const answer = answerChallenge(asString(info?.get('description')) ?? '', target, nonce);
    if (answer.kind === 'other') this.#refused(info);
    else if (answer.kind === 'refused') this.#end('final', answer.reason);
    else if (query.includes('&response=') || query === answer.query) {
      this.#end('final', 'target refuses the user or the password');
    } else {
      this.close();
      events.challenged(answer.query);
    }
  }

  #status(info: AmfObject | undefined): void {
    const code = asString(info?.get('code')) ?? '';
    if (code === 'NetConnection.Connect.ReconnectRequest') {
      this.#options.events.moved(asString(info?.get('tcUrl')));
    } else if (isError(info)) this.#refused(info);
    else if (code === 'NetStream.Publish.Start') {
      this.#isStarted = true;
      if (this.#isPublishing) this.#ready();
    }
  }

  #ready(): void {
    if (this.#isReady || this.#isOver) return;
    this.#isReady = true;
    this.#options.events.ready(this.#support);
  }

  #refused(info: AmfObject | undefined): void {
    const [said = 'no reason given'] = [info?.get('description'), info?.get('code')]
      .map(asString)
      .filter((text) => text !== undefined && text !== '');
    this.#end('refused', `target refuses the stream: ${withoutSecrets(said, this.#options.target)}`);
  }

  #end(kind: EndKind, reason: string): void {
    if (this.#isOver) return;
    this.close();
    this.#options.events.ended(kind, reason);
  }

  #userControl(payload: Buffer): void {
    if (payload.length < 6 || payload.readUInt16BE(0) !== UserControlEvent.PingRequest) return;
    this.#write(userControl(UserControlEvent.PingResponse, payload.readUInt32BE(2)));
  }

  #acknowledge(): void {
    this.#acknowledged = this.#received;
    if (!this.#isOver) this.#write(acknowledgement(this.#received >>> 0));
  }

  #write(bytes: Buffer): void {
    this.#options.write(bytes);
  }
}

/** Level `error`, or a code that says so where the level is missing. */
function isError(info: AmfObject | undefined): info is AmfObject {
  const code = asString(info?.get('code')) ?? '';
  return asString(info?.get('level')) === 'error' || /(?:BadName|Rejected|Denied|Failed|InvalidApp)$/.test(code);
}

function command(streamId: number, values: readonly AmfValue[]): Buffer {
  const payload = encodeAmf0(values);
  const size = values[0] === 'connect' ? DEFAULT_CHUNK_SIZE : OUTGOING_CHUNK_SIZE;
  return encodeMessage(ChunkStreamId.Command, 0, MessageType.CommandAmf0, streamId, payload, size);
}
