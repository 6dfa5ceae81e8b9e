import { amfEncode, ecma, type Amf } from '../../support/rtmp/amf-test-codec';
import { aac, avc, avcConfigRecord } from '../../support/rtmp/media';
import {
  aggregate,
  ChunkBuilder,
  command,
  commandAmf3,
  control,
  MessageType,
  type OutgoingMessage,
  UserControl,
  userControl,
} from '../../support/rtmp/wire-builder';
import { ChunkDecoder, type ReceivedMessage } from '../../support/rtmp/wire-reader';
import { ClientModel } from './client-model';
import type { Frame, Said } from './said';
import type { FrameForm, FrameKind, Saying } from './schedule';

/** Bytes to send; the server has heard what they say when the last one has arrived. */
interface Part {
  readonly bytes: Buffer;
  readonly said: Said;
  /** The chunks of several messages take turns, up to here not for the last time. */
  readonly goesOn?: boolean;
}

/** A message without its time. */
type Made = Pick<Frame, 'kind' | 'type' | 'payload' | 'label'>;

const NOTHING: Said = { kind: 'nothing' };
const HALF = 1536;
/** C0, C1 and C2 of the simple handshake: the server does not check C2. */
const HANDSHAKE = Buffer.concat([Buffer.of(3), Buffer.alloc(8), Buffer.alloc(HALF - 8, 'c1'), Buffer.alloc(HALF)]);
const HANDSHAKE_ANSWER_BYTES = 1 + 2 * HALF;
/** Where the clocks of publishers begin: also before the timestamps' width and their wrap are exceeded. */
const CLOCKS = [0, 1_000, 0xffffe0, 0xffffffe0];
/** Below what one connection that does not publish may ask for at once. */
const MAX_SPENT = 240;
const PRICES: Readonly<Record<string, number>> = { publish: 11, play: 11, pause: 6, closeStream: 6 };

let labels = 0;
let serials = 0;

/** One connection of a fuzzed client: turns what a schedule says into bytes, and bytes from the server into messages. */
export class FuzzClient {
  readonly model: ClientModel;
  readonly received: ReceivedMessage[] = [];
  sentBytes = 0;
  readonly #chunks = new ChunkBuilder();
  readonly #decoder = new ChunkDecoder();
  readonly #outbox: Part[] = [];
  /** Chunk streams whose next header has to be complete; the message stream of their last message. */
  readonly #lastOn = new Map<number, { streamId: number; timestamp: number }>();
  #answer: Buffer = Buffer.alloc(0);
  #isShaken = false;
  #transactionId = 0;
  #clock: number;
  #record = 0;
  #spent = 0;
  #acknowledged = 0;

  constructor(
    name: string,
    readonly channel: string,
  ) {
    this.model = new ClientModel(name);
    this.#clock = CLOCKS[serials % CLOCKS.length]!;
  }

  shakeHands(): void {
    this.#outbox.push({ bytes: HANDSHAKE, said: { kind: 'handshake' } });
  }

  /** What every client says first. */
  connect(amf3: boolean): void {
    this.say({ say: 'connect', app: 'own' }, amf3);
    for (let i = 0; i < 2; i += 1) this.say({ say: 'call', name: 'createStream', silent: false }, amf3);
  }

  say(saying: Saying, amf3: boolean): void {
    this.#spent += PRICES[saying.say] ?? 1;
    if (saying.say === 'frames' || saying.say === 'aggregate') this.#spent += saying.frames.length;
    if (this.#spent > MAX_SPENT) return;
    this.#say(saying, amf3);
  }

  #say(saying: Saying, amf3: boolean): void {
    switch (saying.say) {
      case 'connect': {
        const app = saying.app === 'own' ? this.channel : saying.app === 'bad' ? 'bad channel!' : '';
        const channel = saying.app === 'own' ? this.channel : undefined;
        const transactionId = this.#next();
        this.#command(amf3, 'connect', transactionId, [{ app, flashVer: 'fuzz' }], 0, {
          ...{ kind: 'connect', transactionId, channel },
        });
        return;
      }
      case 'publish': {
        serials += 1;
        const { streamId, key } = saying;
        const name = key === '' ? '' : `${key}?n=${serials}`;
        const said: Said = { kind: 'publish', streamId, key, serial: serials };
        this.#command(amf3, 'publish', this.#next(), [null, name, 'live'], streamId, said);
        return;
      }
      case 'play': {
        const { streamId, key, cache = '' } = saying;
        const name = cache === '' || key === '' ? key : `${key}?cache=${cache}`;
        this.#command(amf3, 'play', this.#next(), [null, name], streamId, { kind: 'play', streamId, key, cache });
        return;
      }
      case 'deleteStream': {
        const id = saying.streamId === 'name' ? 'k' : saying.streamId;
        const streamId = saying.streamId === 'name' ? undefined : saying.streamId;
        this.#command(amf3, 'deleteStream', this.#next(), [null, id], 0, { kind: 'deleteStream', streamId });
        return;
      }
      case 'closeStream': {
        const { streamId } = saying;
        this.#command(amf3, 'closeStream', this.#next(), [null], streamId, { kind: 'closeStream', streamId });
        return;
      }
      case 'play2':
        this.#call(amf3, 'play2', this.#next(), [null, { streamName: 'k' }], saying.streamId);
        return;
      case 'pause':
      case 'receiveAudio':
      case 'receiveVideo': {
        const { say, streamId, on } = saying;
        const args: Amf[] = say === 'pause' ? [null, on, 0] : [null, on];
        this.#command(amf3, say, this.#next(), args, streamId, { kind: say, streamId, on });
        return;
      }
      case 'call':
        this.#call(amf3, saying.name, saying.silent ? 0 : this.#next(), [null, 'k'], 0);
        return;
      case 'frames':
        this.#frames(saying.frames, saying.form);
        return;
      case 'aggregate':
        this.#aggregate(saying.frames, saying.to);
        return;
      case 'metadata':
        this.#metadata(this.#streamFor('own'), saying.name === '@setDataFrame', saying.amf3);
        return;
      case 'refusedMetadata':
        this.#metadata(this.#streamFor('refused'), true, false);
        return;
      case 'cue': {
        const label = this.#label();
        const payload = amfEncode('onCuePoint', { name: label });
        this.#media({ kind: 'cue', type: MessageType.data, payload, label }, this.#streamFor('own'));
        return;
      }
      case 'chunkSize':
        this.#send(control(MessageType.setChunkSize, saying.size));
        this.#chunks.chunkSize = saying.size;
        return;
      case 'aborted':
        this.#aborted();
        return;
      case 'ping': {
        const value = (this.#transactionId += 1);
        this.#send(userControl(UserControl.pingRequest, value), { kind: 'ping', value });
        return;
      }
      case 'window':
        this.#send(control(MessageType.windowAckSize, saying.size));
        return;
      case 'noise':
        this.#noise(saying.of);
    }
  }

  /** Everything that the client has not sent yet. */
  get unsent(): number {
    return this.#outbox.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /**
   * How many bytes may be sent so that about the last `heldBack` stay behind. A message that another one overtakes is not
   * left unfinished: it would hold the other one back.
   */
  sendable(heldBack: number): number {
    const wanted = this.unsent - heldBack;
    let count = 0;
    let inTurns = false;
    for (const { bytes, goesOn = false } of this.#outbox) {
      if (count + bytes.length > wanted && !inTurns) return Math.max(0, goesOn ? count : wanted);
      count += bytes.length;
      inTurns = goesOn;
    }
    return count;
  }

  /** Takes the next bytes out of the outbox; `heard` is called for each message that they complete. */
  take(count: number, heard: (said: Said) => void): Buffer {
    const taken: Buffer[] = [];
    let left = count;
    while (this.#outbox.length > 0 && (left > 0 || this.#outbox[0]!.bytes.length === 0)) {
      const { bytes, said } = this.#outbox[0]!;
      if (bytes.length > left) {
        taken.push(bytes.subarray(0, left));
        this.#outbox[0] = { bytes: bytes.subarray(left), said };
        left = 0;
      } else {
        taken.push(bytes);
        left -= bytes.length;
        this.#outbox.shift();
        heard(said);
      }
    }
    const all = Buffer.concat(taken);
    this.sentBytes += all.length;
    return all;
  }

  /** A ping that is not part of the schedule: its answer shows that everything before was read. */
  barrier(value: number): void {
    this.#spent += 1;
    this.#send(userControl(UserControl.pingRequest, value), { kind: 'ping', value });
  }

  /** Takes bytes from the server. Throws where they are no chunk stream. */
  push(bytes: Buffer): void {
    let rest = bytes;
    if (!this.#isShaken) {
      this.#answer = Buffer.concat([this.#answer, rest]);
      if (this.#answer.length < HANDSHAKE_ANSWER_BYTES) return;
      this.#isShaken = true;
      if (
        this.#answer[0] !== 3 ||
        !this.#answer.subarray(1 + HALF, HANDSHAKE_ANSWER_BYTES).equals(HANDSHAKE.subarray(1, 1 + HALF))
      )
        throw new Error('S2 is not C1');
      rest = this.#answer.subarray(HANDSHAKE_ANSWER_BYTES);
    }
    for (const message of this.#decoder.push(rest)) {
      if (message.type === MessageType.acknowledgement) this.#checkAcknowledgement(message.payload.readUInt32BE(0));
      this.received.push(message);
    }
  }

  #checkAcknowledgement(count: number): void {
    if (count > this.sentBytes) throw new Error(`${count} bytes acknowledged of ${this.sentBytes}`);
    if (count < this.#acknowledged) throw new Error('acknowledgements count down');
    this.#acknowledged = count;
  }

  #next(): number {
    this.#transactionId += 1;
    return this.#transactionId;
  }

  #label(): string {
    labels += 1;
    return `${labels.toString(36).padStart(6, '0')}.`;
  }

  #send(message: OutgoingMessage, said: Said = NOTHING): void {
    this.#outbox.push({ bytes: this.#chunks.message(message), said });
  }

  #command(amf3: boolean, name: string, transactionId: number, args: Amf[], streamId: number, said: Said): void {
    const make = amf3 ? commandAmf3 : command;
    this.#send(make(name, transactionId, args, streamId), said);
  }

  #call(amf3: boolean, name: string, transactionId: number, args: Amf[], streamId: number): void {
    this.#command(amf3, name, transactionId, args, streamId, { kind: 'call', name, transactionId });
  }

  #streamFor(to: FrameForm['to']): number {
    const { publish, refused } = this.model;
    const own = publish?.streamId ?? 1;
    if (to === 'zero') return 0;
    return to === 'own' ? own : ([...refused].find((id) => id !== own) ?? own);
  }

  /** The frames that one word of a schedule stands for. */
  #make(kind: FrameKind, size: number): Made[] {
    const label = this.#label();
    const { audio, video } = MessageType;
    switch (kind) {
      case 'key':
        return [{ kind, type: video, payload: avc.keyframe(label, size), label }];
      case 'inter':
        return [{ kind, type: video, payload: avc.interFrame(label, size), label }];
      case 'audio':
        return [{ kind, type: audio, payload: aac.frame(label, size), label }];
      case 'audioHeader':
        return [{ kind, type: audio, payload: aac.sequenceHeader(), label }];
      case 'videoHeader':
        return [{ kind, type: video, payload: this.#videoHeader(), label }];
      case 'newHeader':
        this.#record += 1;
        return [
          { kind: 'videoHeader', type: video, payload: this.#videoHeader(), label },
          { kind: 'key', type: video, payload: avc.keyframe(label, size), label },
        ];
    }
  }

  #videoHeader(): Buffer {
    const record = Buffer.from(avcConfigRecord);
    record[3] = 31 + this.#record;
    return avc.sequenceHeader(record);
  }

  #stamped(made: Made, loose = false): Frame {
    this.#clock += 3;
    const timestamp = this.#clock >>> 0;
    return { ...made, timestamp, loose };
  }

  #frames(kinds: readonly FrameKind[], form: FrameForm): void {
    const streamId = this.#streamFor(form.to);
    const made = kinds.flatMap((kind) => this.#make(kind, form.size));
    for (let at = 0; at < made.length; at += 1) {
      const [first, second] = [made[at]!, made[at + 1]];
      const isPair = second !== undefined && first.type !== second.type && isPicture(first) && isPicture(second);
      if (!form.interleaved || form.together || !isPair) {
        this.#framed(this.#stamped(first), streamId, form);
        continue;
      }
      this.#interleaved(this.#stamped(first, true), this.#stamped(second, true), streamId, form);
      at += 1;
    }
  }

  #framed(frame: Frame, streamId: number, form: FrameForm): void {
    this.#outbox.push({
      bytes: Buffer.concat(this.#chunked(frame, streamId, form)),
      said: { kind: 'frame', streamId, frame },
    });
  }

  #interleaved(first: Frame, second: Frame, streamId: number, form: FrameForm): void {
    const [a, b] = [this.#chunked(first, streamId, form), this.#chunked(second, streamId, form)];
    for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
      for (const [chunks, frame] of [
        [a, first],
        [b, second],
      ] as const) {
        const bytes = chunks[at];
        if (bytes === undefined) continue;
        const isLast = at === chunks.length - 1;
        this.#outbox.push({ bytes, said: isLast ? { kind: 'frame', streamId, frame } : NOTHING, goesOn: true });
      }
    }
    this.#outbox.push({
      bytes: this.#outbox.pop()!.bytes,
      said: { kind: 'frame', streamId, frame: a.length > b.length ? first : second },
    });
  }

  #chunked({ type, timestamp, payload }: Frame, streamId: number, form: FrameForm): Buffer[] {
    const csid = form.together ? 4 : type === MessageType.audio ? 4 : 6;
    const last = this.#lastOn.get(csid);
    const fmt = form.fmt === 1 && last?.streamId === streamId ? 1 : 0;
    this.#lastOn.set(csid, { streamId, timestamp });
    return this.#chunks.chunks({ type, streamId, timestamp, payload }, { csid, fmt });
  }

  #aggregate(kinds: readonly FrameKind[], to: FrameForm['to']): void {
    const streamId = this.#streamFor(to);
    const frames = kinds.flatMap((kind) => this.#make(kind, 40)).map((made) => this.#stamped(made));
    const tags = frames.map(({ type, timestamp, payload }) => ({ type, timestamp, payload, streamId }));
    const bytes = this.#chunks.message(aggregate(tags, streamId, tags[0]!.timestamp));
    frames.forEach((frame, index) =>
      this.#outbox.push({ bytes: index === 0 ? bytes : Buffer.alloc(0), said: { kind: 'frame', streamId, frame } }),
    );
  }

  #metadata(streamId: number, wrapped: boolean, amf3: boolean): void {
    const label = this.#label();
    const values: Amf[] = ['onMetaData', ecma({ encoder: label, width: 1280 })];
    const payload = amfEncode(...values);
    const sent = wrapped ? amfEncode('@setDataFrame', ...values) : payload;
    const type = amf3 ? MessageType.dataAmf3 : MessageType.data;
    const frame = this.#stamped({ kind: 'metadata', type: MessageType.data, payload, label });
    const message = {
      type,
      streamId,
      timestamp: frame.timestamp,
      payload: amf3 ? Buffer.concat([Buffer.of(0), sent]) : sent,
    };
    this.#send(message, { kind: 'frame', streamId, frame });
  }

  #media(made: Made, streamId: number): void {
    const frame = this.#stamped(made);
    this.#send(
      { type: frame.type, streamId, timestamp: frame.timestamp, payload: frame.payload },
      { kind: 'frame', streamId, frame },
    );
  }

  /** The first chunk of a keyframe, which is then given up. */
  #aborted(): void {
    const { chunkSize } = this.#chunks;
    if (chunkSize > 4096) return;
    const payload = avc.keyframe(this.#label(), chunkSize + 10);
    const streamId = this.#streamFor('own');
    const [first] = this.#chunks.chunks(
      { type: MessageType.video, streamId, timestamp: this.#clock, payload },
      { csid: 6 },
    );
    this.#lastOn.delete(6);
    this.#outbox.push({ bytes: first!, said: NOTHING });
    this.#send(control(MessageType.abort, 6));
  }

  #noise(of: (Saying & { readonly say: 'noise' })['of']): void {
    const unknown = { type: 77, streamId: 0, timestamp: 0, payload: Buffer.from('noise') };
    switch (of) {
      case 'acknowledgement':
        return this.#send(control(MessageType.acknowledgement, this.sentBytes));
      case 'bandwidth':
        return this.#send({
          ...control(MessageType.setPeerBandwidth, 2_500_000),
          payload: Buffer.of(0, 0x26, 0x25, 0xa0, 2),
        });
      case 'bufferLength':
        return this.#send(userControl(UserControl.setBufferLength, 1, 3_000));
      case 'empty':
        this.#lastOn.delete(4);
        return this.#send({ ...unknown, type: MessageType.audio, payload: Buffer.alloc(0) });
      case 'unknownType':
        return this.#send(unknown);
    }
  }
}

function isPicture({ kind }: Pick<Frame, 'kind'>): boolean {
  return kind === 'key' || kind === 'inter' || kind === 'audio';
}

/** Bytes that no server can understand, after a handshake or instead of one. */
export const POISONS: readonly Buffer[] = [
  // Set Chunk Size 0.
  Buffer.from('02000000000004010000000000000000', 'hex'),
  // A command of 16 MB.
  Buffer.from('03000000ffffff140000000002000763', 'hex'),
  // A chunk stream that begins with the shortest header.
  Buffer.alloc(64, 0xff),
  // A command whose AMF ends too early, then a chunk stream that begins with the shortest header.
  Buffer.from('0300000000000414000000000200ff61ffff', 'hex'),
  // An Abort without a number, then the same.
  Buffer.from('020000000000000200000000ffffffff', 'hex'),
];
