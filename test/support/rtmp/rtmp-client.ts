import { type Amf, amfEncode, ecma } from './amf-test-codec';
import { secrets } from '../leaks/watched-logs';
import { RtmpConnection, type ConnectionOptionsForTest } from './rtmp-connection';
import { command, control, MessageType, UserControl, userControl, type ChunkForm } from './wire-builder';
import { type ReceivedCommand, type ReceivedMessage } from './wire-reader';

export interface ConnectOptions extends ConnectionOptionsForTest {
  /** The channel. */
  readonly app: string;
  /** Default `rtmp://ADDRESS:PORT/APP`. */
  readonly tcUrl?: string;
  /** More fields of connect's command object; undefined takes one away. */
  readonly extra?: Record<string, Amf>;
}

/** The information object of an onStatus, _result or _error. */
export interface StatusInfo {
  readonly level: string;
  readonly code: string;
  readonly description: string;
  readonly [field: string]: Amf;
}

export interface ReceivedStatus extends StatusInfo {
  /** Message stream that the onStatus came on. */
  readonly onStream: number;
}

const isMedia = ({ type }: ReceivedMessage): boolean => type === MessageType.audio || type === MessageType.video;

/**
 * An RTMP client for tests, written independently of the service. All messages are kept in `received`; each `next…` and
 * `waitFor…` returns a message once. Waits fail after a time-out, or when the connection ends, with the messages that
 * had come.
 */
export class RtmpClient {
  #transactionId = 0;
  /** The stream of the last createStream. */
  streamId = 0;

  private constructor(readonly connection: RtmpConnection) {}

  /** TCP (or TLS) and handshake, without `connect`. */
  static async open(options: ConnectionOptionsForTest): Promise<RtmpClient> {
    return new RtmpClient(await RtmpConnection.open(options));
  }

  /** Ready for createStream: rejects when `connect` is refused. */
  static async connect(options: ConnectOptions): Promise<RtmpClient> {
    const client = await RtmpClient.open(options);
    const answer = await client.callConnect(options);
    if (answer.name !== '_result') throw new Error(`connect was refused: ${JSON.stringify(answer.args)}`);
    return client;
  }

  /** A client that publishes: rejects unless NetStream.Publish.Start is the answer. */
  static async publisher(options: Omit<ConnectOptions, 'app'> & { channel: string; key: string }): Promise<RtmpClient> {
    const client = await RtmpClient.connect({ ...options, app: options.channel });
    await client.publish(options.key);
    return client;
  }

  /** A client that plays: rejects unless NetStream.Play.Start is the answer. */
  static async player(options: Omit<ConnectOptions, 'app'> & { channel: string; key: string }): Promise<RtmpClient> {
    const client = await RtmpClient.connect({ ...options, app: options.channel });
    await client.play(options.key);
    return client;
  }

  // --- commands ---

  /** Sends `connect` and gives its _result or _error. */
  async callConnect({ app, tcUrl, extra }: Pick<ConnectOptions, 'app' | 'tcUrl' | 'extra'>): Promise<ReceivedCommand> {
    const { remoteAddress = '', remotePort = 0 } = this.connection.socket;
    secrets.addPublicName(app);
    const object: Record<string, Amf> = {
      app,
      type: 'nonprivate',
      flashVer: 'FMLE/3.0 (compatible; test)',
      tcUrl: tcUrl ?? `rtmp://${remoteAddress}:${remotePort}/${app}`,
      ...extra,
    };
    const present = Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
    return this.call('connect', present);
  }

  /** Sends a command on stream 0 and waits for its _result or _error. */
  async call(name: string, ...args: Amf[]): Promise<ReceivedCommand> {
    const transactionId = this.sendCommand(name, args);
    const isAnswer = ({ command: answer }: ReceivedMessage): boolean =>
      answer !== undefined && /^_(result|error)$/.test(answer.name) && answer.transactionId === transactionId;
    const message = await this.nextMessage(isAnswer, `the answer to ${name}`);
    return message.command!;
  }

  /** Sends a command and does not wait. Gives the transaction id that was used. */
  sendCommand(name: string, args: readonly Amf[], streamId = 0, transactionId = ++this.#transactionId): number {
    this.connection.send(command(name, transactionId, args, streamId));
    return transactionId;
  }

  /** The new stream's id, which the calls below use from then on. */
  async createStream(): Promise<number> {
    const answer = await this.call('createStream', null);
    if (answer.name !== '_result') throw new Error(`createStream was refused: ${JSON.stringify(answer.args)}`);
    this.streamId = Number(answer.args[1]);
    return this.streamId;
  }

  /** createStream if there is none yet, publish, and NetStream.Publish.Start; rejects when another status comes. */
  async publish(key: string): Promise<ReceivedStatus> {
    if (this.streamId === 0) await this.createStream();
    this.sendPublish(key);
    return this.#expectStatus('NetStream.Publish.Start');
  }

  sendPublish(key: string, ...more: Amf[]): void {
    secrets.addKey(key);
    this.sendCommand('publish', [null, key, ...(more.length === 0 ? ['live'] : more)], this.streamId);
  }

  /** createStream if there is none yet, play, and NetStream.Play.Start; rejects when an error status comes. */
  async play(key: string): Promise<ReceivedStatus> {
    if (this.streamId === 0) await this.createStream();
    this.sendPlay(key);
    return this.#expectStatus('NetStream.Play.Start', 'NetStream.Play.Reset');
  }

  sendPlay(key: string): void {
    secrets.addKey(key);
    this.sendCommand('play', [null, key, -2], this.streamId);
  }

  deleteStream(streamId = this.streamId): void {
    this.sendCommand('deleteStream', [null, streamId]);
    if (streamId === this.streamId) this.streamId = 0;
  }

  async #expectStatus(code: string, ...before: string[]): Promise<ReceivedStatus> {
    for (;;) {
      const status = await this.nextStatus();
      if (status.code === code) return status;
      if (!before.includes(status.code)) throw new Error(`${code} expected: ${JSON.stringify(status)}`);
    }
  }

  // --- media ---

  sendAudio(timestamp: number, payload: Buffer, form?: ChunkForm): void {
    this.connection.send({ type: MessageType.audio, streamId: this.streamId, timestamp, payload }, form);
  }

  sendVideo(timestamp: number, payload: Buffer, form?: ChunkForm): void {
    this.connection.send({ type: MessageType.video, streamId: this.streamId, timestamp, payload }, form);
  }

  sendData(timestamp: number, ...values: Amf[]): void {
    const payload = amfEncode(...values);
    this.connection.send({ type: MessageType.data, streamId: this.streamId, timestamp, payload });
  }

  /** `@setDataFrame` `onMetaData` as an ECMA array, as most encoders send it. */
  sendMetadata(fields: Record<string, Amf>): void {
    this.sendData(0, '@setDataFrame', 'onMetaData', ecma(fields));
  }

  sendRaw(bytes: Buffer): void {
    this.connection.sendRaw(bytes);
  }

  // --- what comes in ---

  get received(): readonly ReceivedMessage[] {
    return this.connection.inbox.received;
  }

  /** Audio and video received so far. */
  get media(): readonly ReceivedMessage[] {
    return this.received.filter(isMedia);
  }

  /** Codes of every onStatus received so far. */
  get statusCodes(): readonly string[] {
    return this.received.filter(isStatus).map((message) => toStatus(message).code);
  }

  nextMessage(
    fits: (message: ReceivedMessage) => boolean,
    what = 'a message',
    timeoutMs?: number,
  ): Promise<ReceivedMessage> {
    return this.connection.inbox.next(fits, what, timeoutMs);
  }

  nextAudio(): Promise<ReceivedMessage> {
    return this.nextMessage(({ type }) => type === MessageType.audio, 'audio');
  }

  nextVideo(): Promise<ReceivedMessage> {
    return this.nextMessage(({ type }) => type === MessageType.video, 'video');
  }

  /** The next audio or video message. */
  nextMedia(): Promise<ReceivedMessage> {
    return this.nextMessage(isMedia, 'audio or video');
  }

  /** The next `count` audio and video messages. */
  async takeMedia(count: number): Promise<ReceivedMessage[]> {
    const taken: ReceivedMessage[] = [];
    while (taken.length < count) {
      taken.push(await this.nextMessage(isMedia, `audio or video, ${taken.length + 1} of ${count}`));
    }
    return taken;
  }

  /** The audio or video message with exactly this payload; earlier messages can still be taken. */
  waitForPayload(payload: Buffer): Promise<ReceivedMessage> {
    return this.nextMessage((message) => isMedia(message) && message.payload.equals(payload), 'a certain payload');
  }

  /** The next onMetaData: its values. */
  async nextMetadata(): Promise<Record<string, Amf>> {
    const message = await this.nextMessage(({ data }) => data?.[0] === 'onMetaData', 'onMetaData');
    return message.data![1] as Record<string, Amf>;
  }

  async nextStatus(): Promise<ReceivedStatus> {
    return toStatus(await this.nextMessage(isStatus, 'an onStatus'));
  }

  async waitForStatus(code: string, timeoutMs?: number): Promise<ReceivedStatus> {
    const fits = (message: ReceivedMessage): boolean => isStatus(message) && toStatus(message).code === code;
    return toStatus(await this.nextMessage(fits, code, timeoutMs));
  }

  /** The value of the next user control message of this kind (see `UserControl`). */
  async waitForUserControl(event: number): Promise<number> {
    const fits = ({ type, payload }: ReceivedMessage): boolean =>
      type === MessageType.userControl && payload.readUInt16BE() === event;
    return (await this.nextMessage(fits, `user control ${event}`)).payload.readUInt32BE(2);
  }

  /** The value of the next protocol control message of this type, such as Acknowledgement. */
  async waitForControl(type: number): Promise<number> {
    return (await this.nextMessage((message) => message.type === type, `control ${type}`)).payload.readUInt32BE();
  }

  /**
   * A ping and its answer: afterwards, all answers of the server to earlier messages of this client have been received.
   * Media of others may still be in transit: the server may batch it for a moment.
   */
  async roundTrip(): Promise<void> {
    const stamp = (this.#transactionId = (this.#transactionId % 0x7fffffff) + 1);
    this.connection.send(userControl(UserControl.pingRequest, stamp));
    const fits = ({ type, payload }: ReceivedMessage): boolean =>
      type === MessageType.userControl &&
      payload.readUInt16BE() === UserControl.pingResponse &&
      payload.readUInt32BE(2) === stamp;
    await this.nextMessage(fits, 'the answer to a ping');
  }

  setWindowAckSize(size: number): void {
    this.connection.send(control(MessageType.windowAckSize, size));
  }

  /** FIN, as a client that closes properly without an RTMP command. */
  close(): Promise<void> {
    return this.connection.close();
  }

  /** RST. */
  reset(): Promise<void> {
    return this.connection.reset();
  }

  /** Waits for the server to close the connection. */
  expectClosed(timeoutMs?: number): Promise<void> {
    return this.connection.expectClosed(timeoutMs);
  }
}

function isStatus({ command: received }: ReceivedMessage): boolean {
  return received?.name === 'onStatus';
}

function toStatus({ command: received, streamId }: ReceivedMessage): ReceivedStatus {
  return { ...(received!.args[1] as StatusInfo), onStream: streamId };
}
