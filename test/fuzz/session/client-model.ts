import type { ReceivedMessage } from '../../support/rtmp/wire-reader';
import { MessageType } from '../../support/rtmp/wire-builder';
import { type Expected, Expectations, type Lane } from './expectations';
import type { Frame, Said } from './said';
import type { Entry, StreamModel } from './stream-model';
import { inWords, isControl, isNumber, statusOf } from './words';

export interface Publish {
  readonly client: ClientModel;
  readonly channel: string;
  readonly streamId: number;
  readonly key: string;
  /** Tells publishes of one channel and key apart. */
  readonly serial: number;
  state: 'undecided' | 'live' | 'over';
  /** Of the question about it; empty while it has not been asked. */
  jti: string;
}

interface Play {
  readonly streamId: number;
  readonly key: string;
  readonly cache: string;
  paused: boolean;
  audio: boolean;
  video: boolean;
  /** It has had a keyframe, so it gets every video frame. */
  synced: boolean;
  /** It gets every audio frame; otherwise some may be left out, until the next keyframe. */
  hears: boolean;
  /** It was there before the stream had video. */
  wasBeforeVideo: boolean;
  /** It hears since a keyframe whose chunks took turns with those of a frame around it. */
  hearsSinceLoose: boolean;
  /** Since when it plays what its own connection publishes, and changed what it wants: see `blur`. */
  blurredIn: number;
  /** The streams that it had since the server last had time; the last one is the present one. */
  epochs: Epoch[];
}

/** One stream, as one player gets it. */
interface Epoch {
  readonly stream: StreamModel;
  over: boolean;
  /** What came last. */
  videoHeader?: Buffer;
  audioHeader?: Buffer;
  metadata?: Buffer;
}

interface StatusRule {
  readonly streamId: number | readonly number[];
  readonly level: 'status' | 'error';
  /** Any of these; undefined: any code. */
  readonly codes: readonly string[] | undefined;
  readonly required?: boolean;
  readonly barrier?: boolean;
  readonly overtaken?: boolean;
  readonly came?: () => void;
}

/** What one connection may see. */
export class ClientModel {
  phase: 'new' | 'connecting' | 'connected' = 'new';
  channel = '';
  publish: Publish | undefined;
  play: Play | undefined;
  /** Said while a publish was undecided: the server reads it afterwards. */
  readonly backlog: Said[] = [];
  /** Message streams whose publish was refused. */
  readonly refused = new Set<number>();
  /** `must`: the server has to close the connection. */
  end: 'open' | 'must' = 'open';
  /** The client has left. */
  gone = false;
  readonly #expected = new Expectations();
  #created = 0;
  #window = 0;
  /** Plays that ended since the server last had time, the newest first. */
  #former: Play[] = [];

  constructor(readonly name: string) {}

  add(item: Expected): void {
    this.#expected.add(item);
  }

  /** Takes one message from the server; returns what is wrong with it. */
  observe(message: ReceivedMessage): string | undefined {
    const { type } = message;
    // A stream may begin or end for it before the server closes the connection.
    if (this.end === 'must' && isNotice(message)) {
      this.#expected.take(message, 'reply');
      return undefined;
    }
    if (type === MessageType.acknowledgement || isControl(message, 'pingRequest')) return undefined;
    const isMedia = type === MessageType.audio || type === MessageType.video;
    const isAccess = message.data?.[0] === '|RtmpSampleAccess';
    const isData = type === MessageType.data && !isAccess;
    const lane: Lane = isMedia ? (type === MessageType.audio ? 'audio' : 'video') : isData ? 'data' : 'reply';
    const problem = lane === 'reply' ? this.#expected.take(message, lane) : this.#media(message, lane);
    return problem === undefined ? undefined : `${this.name}: ${inWords(message)}: ${problem}`;
  }

  get #plays(): Play[] {
    return this.play === undefined ? this.#former : [this.play, ...this.#former];
  }

  #media(message: ReceivedMessage, lane: Lane): string | undefined {
    const plays = this.#plays;
    const play = plays.find(({ streamId }) => streamId === message.streamId) ?? plays[0];
    // Media may still come before the server closes the connection.
    if (this.end === 'must' && play !== undefined) return undefined;
    if (play === undefined) return 'media without a play';
    if (message.streamId !== play.streamId) return `media on another message stream than ${play.streamId}`;
    const { payload } = message;
    const { epochs } = play;
    if (isHeader(message)) {
      const its = epochs.filter(({ stream }) => stream.headers.some((header) => header.equals(payload)));
      for (const epoch of its) epoch[lane === 'video' ? 'videoHeader' : 'audioHeader'] = payload;
      return its.length === 0 ? 'header of no present stream' : undefined;
    }
    const problem = this.#expected.take(message, lane);
    if (message.data?.[0] === 'onMetaData') {
      const its = epochs.filter(({ stream }) => stream.descriptions.some((description) => description.equals(payload)));
      for (const epoch of its) epoch.metadata = payload;
      if (its.length > 0 && !play.paused) return undefined;
    }
    if (problem === undefined || play.blurredIn < 0) return problem;
    const isOwn = epochs.some(({ stream }) => stream.entries.some(({ frame }) => frame.payload.equals(payload)));
    return isOwn ? undefined : problem;
  }

  /** What has not come; undefined: everything has. */
  get missing(): string | undefined {
    const { missing } = this.#expected;
    return missing === undefined ? undefined : `${this.name} waits for ${missing}`;
  }

  /** The server has had time for everything. */
  settle(): void {
    this.#expected.settle();
    this.#window += 1;
    this.#former = [];
    const { play } = this;
    if (play !== undefined && play.epochs.length > 0) play.epochs = play.epochs.slice(-1).filter(({ over }) => !over);
  }

  forget(): void {
    this.#expected.excuseAll();
  }

  pong(value: number): void {
    this.#reply(`ping response ${value}`, (message) => isControl(message, 'pingResponse', value));
  }

  expectConnected(transactionId: number, chunkSize: number): void {
    this.#reply('window 5000000', (m) => isNumber(m, MessageType.windowAckSize, 5_000_000));
    this.#reply('bandwidth 5000000', (m) => isNumber(m, MessageType.setPeerBandwidth, 5_000_000) && m.payload[4] === 2);
    this.#reply(`chunk size ${chunkSize}`, (m) => isNumber(m, MessageType.setChunkSize, chunkSize));
    this.#reply('connect _result', ({ command }) => {
      const [answer, info] = (command?.args ?? []) as { fmsVer?: string; capabilities?: number; code?: string }[];
      return (
        command?.name === '_result' &&
        command.transactionId === transactionId &&
        answer?.fmsVer === 'FMS/3,0,1,123' &&
        answer.capabilities === 31 &&
        info?.code === 'NetConnection.Connect.Success'
      );
    });
  }

  expectRejection(transactionId: number): void {
    this.#reply('_error NetConnection.Connect.Rejected', ({ command }) => {
      const info = command?.args[1] as { code?: string } | undefined;
      return (
        command?.name === '_error' &&
        command.transactionId === transactionId &&
        info?.code === 'NetConnection.Connect.Rejected'
      );
    });
  }

  expectCall(name: string, transactionId: number, required: boolean): void {
    this.#reply(
      `${name}(${transactionId})`,
      ({ command }) => command?.name === name && command.transactionId === transactionId,
      required,
    );
  }

  /** The answers to a command that neither publishes nor plays. */
  expectAnswers(name: string, transactionId: number): void {
    const wantsAnswer = transactionId > 0;
    if (name === 'createStream') {
      this.#created += 1;
      const id = this.#created;
      this.#reply(
        `createStream ${id}`,
        ({ command }) =>
          command?.name === '_result' && command.transactionId === transactionId && command.args[1] === id,
      );
    } else if (wantsAnswer && name === 'releaseStream') {
      this.expectCall('_result', transactionId, true);
    } else if (wantsAnswer && (name === 'FCPublish' || name === 'FCSubscribe')) {
      this.expectCall('_result', transactionId, true);
      this.expectCall(`on${name}`, transactionId, true);
    } else if (wantsAnswer && name !== '_result') {
      this.#reply(
        `answer to ${name}`,
        ({ command }) =>
          ['_result', '_error'].includes(command?.name ?? '') && command?.transactionId === transactionId,
        false,
      );
    }
  }

  expectStatus({ streamId, level, codes, required = true, barrier = false, overtaken, came }: StatusRule): void {
    const streamIds = typeof streamId === 'number' ? [streamId] : streamId;
    this.#expected.add({
      lane: 'reply',
      text: `${level} ${codes?.join(' or ') ?? 'of any code'} on stream ${streamIds.join(' or ')}`,
      required,
      barrier,
      ...(overtaken && { overtaken }),
      ...(came && { came }),
      test: (message) => {
        const status = statusOf(message);
        return (
          status?.level === level &&
          streamIds.includes(message.streamId) &&
          (codes?.includes(status.code) ?? true) &&
          status.description !== ''
        );
      },
    });
  }

  startPlay(streamId: number, key: string, cache: string): void {
    this.play = {
      ...{ streamId, key, cache, paused: false, audio: true, video: true, synced: false, hears: false },
      ...{ wasBeforeVideo: false, hearsSinceLoose: false, blurredIn: -1, epochs: [] },
    };
    this.#control('streamBegin', streamId);
    this.expectStatus({ streamId, level: 'status', codes: ['NetStream.Play.Reset'] });
    this.expectStatus({ streamId, level: 'status', codes: ['NetStream.Play.Start'] });
    this.#reply(
      '|RtmpSampleAccess',
      (message) => message.data?.[0] === '|RtmpSampleAccess' && message.streamId === streamId,
    );
  }

  endPlay(): void {
    this.#expected.excuseMedia();
    if (this.play !== undefined) this.#former.unshift(this.play);
    this.play = undefined;
  }

  /** It waited for the stream, which begins. */
  joinsAtStart(stream: StreamModel): void {
    const play = this.#join(stream);
    Object.assign(play, { synced: false, hears: true, wasBeforeVideo: true });
    this.#expected.add({
      ...{ lane: 'reply', text: 'stream begin', required: false, barrier: true },
      test: (message) => isControl(message, 'streamBegin', play.streamId),
    });
  }

  /** It comes to a live stream: the cached start, then what follows. */
  joinsLate(stream: StreamModel): void {
    const play = this.#join(stream);
    if (stream.publish.client === this) this.blur(stream);
    if (stream.metadata !== undefined) this.#metadata(stream.metadata, true);
    this.#start(play, stream, play.cache !== 'no');
  }

  #join(stream: StreamModel): Play {
    const play = this.play!;
    play.epochs.push({ stream, over: false });
    play.blurredIn = -1;
    play.hearsSinceLoose = false;
    return play;
  }

  #start(play: Play, stream: StreamModel, wantsCache: boolean): void {
    const { cached } = stream;
    if (wantsCache && cached !== undefined) {
      Object.assign(play, { synced: play.video, hears: true, wasBeforeVideo: false });
      for (const entry of stream.looseBeforeCached) this.#replay(play, entry, false);
      let isLoose = true;
      for (const entry of cached) {
        isLoose &&= entry.frame.loose;
        this.#replay(play, entry, !isLoose || entry.frame.kind !== 'audio');
      }
    } else if (!stream.hasVideo) {
      Object.assign(play, { synced: false, hears: true, wasBeforeVideo: true });
      const series = { begun: false };
      if (wantsCache) for (const entry of stream.cachedSound) this.#replay(play, entry, false, series);
    } else {
      Object.assign(play, { synced: false, hears: !play.video, wasBeforeVideo: false });
    }
  }

  #replay(play: Play, entry: Entry, isRequired: boolean, series?: { begun: boolean }): void {
    const { kind } = entry.frame;
    const required = isRequired && play.blurredIn < 0;
    if (kind === 'metadata' || kind === 'cue') this.#entry(play, entry, false);
    else if (kind === 'audio' && play.audio) this.#entry(play, entry, required, series);
    else if ((kind === 'key' || kind === 'inter') && play.video) this.#entry(play, entry, required, series);
  }

  /** The stream has ended: the player is told and waits. */
  streamEnds(required: boolean): void {
    const { streamId, epochs } = this.play!;
    for (const epoch of epochs) epoch.over = true;
    const codes = ['NetStream.Play.UnpublishNotify'];
    this.expectStatus({ streamId, level: 'status', codes, required, barrier: true });
    this.#expected.add({
      ...{ lane: 'reply', text: 'stream EOF', required, barrier: true },
      test: (message) => isControl(message, 'streamEof', streamId),
    });
  }

  /** A message of the stream that it plays. */
  frame(stream: StreamModel, entry: Entry): void {
    const play = this.play!;
    const { kind } = entry.frame;
    if (play.blurredIn >= 0) {
      if (kind !== 'key' || this.#window === play.blurredIn || play.paused || !play.video) {
        if (!play.paused) this.#entry(play, entry, false);
        return;
      }
      play.blurredIn = -1;
    }
    if (play.paused) return;
    play.hearsSinceLoose &&= entry.frame.loose;
    if (kind === 'audio') {
      if (play.audio) this.#entry(play, entry, (play.hears && !play.hearsSinceLoose) || !stream.hasVideo);
    } else if (kind === 'metadata' || kind === 'cue') {
      this.#entry(play, entry, play.hears);
    } else if (kind === 'key') {
      if (!play.video) return;
      play.hearsSinceLoose = !play.hears && entry.frame.loose;
      play.synced = true;
      play.hears = true;
      play.wasBeforeVideo = false;
      this.#entry(play, entry, true);
    } else if (kind === 'inter' && play.video) {
      if (play.synced) this.#entry(play, entry, true);
      else if (play.wasBeforeVideo && !stream.hasHadKeyframe) this.#entry(play, entry, false);
    }
  }

  pause(on: boolean, streamId: number, stream: StreamModel | undefined): void {
    const play = this.play!;
    const streamIds = [streamId, play.streamId];
    if (on) {
      play.paused = true;
      this.#expected.excuseMedia();
      this.#control('streamEof', play.streamId);
      this.expectStatus({ streamId: streamIds, level: 'status', codes: ['NetStream.Pause.Notify'] });
      return;
    }
    const resumes = play.paused;
    play.paused = false;
    this.#control('streamBegin', play.streamId);
    this.expectStatus({ streamId: streamIds, level: 'status', codes: ['NetStream.Unpause.Notify'] });
    if (!resumes || stream === undefined) return;
    if (stream.metadata !== undefined) this.#metadata(stream.metadata, false);
    this.#start(play, stream, true);
  }

  wants(kind: 'audio' | 'video', on: boolean, stream: StreamModel | undefined): void {
    const play = this.play!;
    const was = play[kind];
    play[kind] = on;
    if (!on) this.#expected.excuseMedia();
    if (kind === 'audio' || was === on) return;
    play.synced = false;
    if (stream?.hasVideo === true) play.wasBeforeVideo = false;
  }

  /**
   * Its own connection publishes what it plays. What it wants is then read together with frames, and applies to some
   * that came before: until the next keyframe, any of the stream's frames may come.
   */
  blur(stream: StreamModel): void {
    const play = this.play!;
    if (stream !== play.epochs.at(-1)?.stream) return;
    play.blurredIn = this.#window;
    this.#expected.excuseMedia();
  }

  #reply(text: string, test: Expected['test'], required = true): void {
    this.#expected.add({ lane: 'reply', text, test, required });
  }

  #control(event: 'streamBegin' | 'streamEof', streamId: number): void {
    this.#reply(`${event} of ${streamId}`, (message) => isControl(message, event, streamId));
  }

  #metadata(payload: Buffer, required: boolean): void {
    this.#expected.add({
      ...{ lane: 'data', text: 'metadata', required },
      test: (message) => message.payload.equals(payload),
    });
  }

  #entry(play: Play, entry: Entry, required: boolean, series?: { begun: boolean }): void {
    const { frame } = entry;
    const { kind, type, payload, timestamp, loose } = frame;
    const epoch = play.epochs.at(-1);
    const lane = kind === 'audio' ? 'audio' : kind === 'key' || kind === 'inter' ? 'video' : 'data';
    this.#expected.add({
      ...{ lane, text: `${kind} ${frame.label}`, required, loose },
      ...(series && { series }),
      test: (message) =>
        message.type === type &&
        message.streamId === play.streamId &&
        message.timestamp === timestamp &&
        message.payload.equals(payload),
      came: () => epoch && this.#checkHeaders(play, epoch.stream, entry, frame),
    });
  }

  #checkHeaders(play: Play, stream: StreamModel, entry: Entry, { kind, label }: Frame): void {
    const epochs = this.#plays.flatMap((each) => each.epochs).filter((epoch) => epoch.stream === stream);
    const isVideo = kind === 'key' || kind === 'inter';
    const needed = isVideo ? entry.videoHeader : kind === 'audio' ? entry.audioHeader : undefined;
    const has = epochs.some(({ videoHeader, audioHeader }) => {
      const had = isVideo ? videoHeader : audioHeader;
      return needed !== undefined && had?.equals(needed) === true;
    });
    if (needed !== undefined && !has) {
      throw new Error(`${this.name}: ${kind} ${label} came without the sequence header that it needs`);
    }
    const isDescribed = entry.metadata === undefined || epochs.some(({ metadata }) => metadata !== undefined);
    if (kind === 'key' && play.blurredIn < 0 && !isDescribed) {
      throw new Error(`${this.name}: ${kind} ${label} came before the stream's metadata`);
    }
  }
}

/** A stream begins or ends for a player. */
function isNotice(message: ReceivedMessage): boolean {
  const isControlled = isControl(message, 'streamBegin') || isControl(message, 'streamEof');
  return isControlled || statusOf(message)?.code === 'NetStream.Play.UnpublishNotify';
}

/** A sequence header of AVC or AAC. */
function isHeader({ type, payload }: ReceivedMessage): boolean {
  const format = type === MessageType.video ? payload[0] === 0x17 : type === MessageType.audio && payload[0] === 0xaf;
  return format && payload[1] === 0;
}
