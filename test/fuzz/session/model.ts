import type { ClientModel, Publish } from './client-model';
import type { Said } from './said';
import { StreamModel } from './stream-model';
import { remove } from './words';

export interface Rules {
  readonly callback: boolean;
  readonly takeover: boolean;
  readonly chunkSize: number;
  readonly caches: boolean;
}

/** A question that the callback handler has got. */
export interface Asked {
  readonly jti: string;
  readonly channel: string;
  readonly key: string;
  readonly serial: number;
}

interface Start extends Asked {
  /** Its publisher has gone, or was refused meanwhile. */
  publish: Publish | undefined;
  answered: boolean;
}

interface AcceptedStart {
  readonly streamId: string;
  live: boolean;
  stops: number;
}

class ChannelModel {
  stream: StreamModel | undefined;
  /** Undecided, in the order in which they came. */
  waiting: Publish[] = [];
  players: ClientModel[] = [];
  blockedUntil = 0;
  constructor(readonly name: string) {}
}

const KEY = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * What clients may see of the server, written from the documents of its protocol and not from its code. Fed with what
 * clients say, in the order in which the server reads it, with the handler's answers and operators' orders.
 */
export class Model {
  readonly channels = new Map<string, ChannelModel>();
  /** By `jti`. */
  readonly #starts = new Map<string, Start>();
  readonly #accepted = new Map<string, AcceptedStart>();
  /** Serials of publishes that ended, since the server last had time, before they were asked about. */
  readonly #gone = new Set<number>();
  #streams = 0;

  constructor(
    readonly rules: Rules,
    /** Milliseconds since the epoch. */
    readonly now: () => number,
  ) {}

  channel(name: string): ChannelModel {
    let channel = this.channels.get(name);
    if (channel === undefined) this.channels.set(name, (channel = new ChannelModel(name)));
    return channel;
  }

  /** Questions that are open, the oldest first. */
  get questions(): readonly Asked[] {
    return [...this.#starts.values()].filter(({ answered }) => !answered);
  }

  hear(client: ClientModel, said: Said): void {
    if (client.gone || client.end !== 'open') return;
    if (client.publish?.state === 'undecided') client.backlog.push(said);
    else this.#hear(client, said);
  }

  #hear(client: ClientModel, said: Said): void {
    if (said.kind === 'handshake') client.phase = 'connecting';
    else if (said.kind === 'connect') this.#connect(client, said.transactionId, said.channel);
    else if (said.kind === 'ping') client.pong(said.value);
    else if (client.phase !== 'connected') this.#tooEarly(client, said);
    else this.#hearConnected(client, said);
  }

  #connect(client: ClientModel, transactionId: number, channel: string | undefined): void {
    if (client.phase === 'connected') {
      client.expectCall('_error', transactionId, true);
    } else if (channel === undefined) {
      client.expectRejection(transactionId);
      this.#closes(client);
    } else {
      client.phase = 'connected';
      client.channel = channel;
      client.expectConnected(transactionId, this.rules.chunkSize);
    }
  }

  /** Commands before `connect` are refused; the rest has no meaning yet. */
  #tooEarly(client: ClientModel, said: Said): void {
    if (said.kind === 'frame' || said.kind === 'nothing') return;
    if (said.kind === 'call' && said.name === '_result') return;
    client.add({ lane: 'reply', required: false, text: '_error', test: (m) => m.command?.name === '_error' });
    this.#closes(client);
  }

  #hearConnected(client: ClientModel, said: Said): void {
    switch (said.kind) {
      case 'publish':
        this.#publish(client, said.streamId, said.key, said.serial);
        break;
      case 'play':
        this.#play(client, said.streamId, said.key, said.cache);
        break;
      case 'deleteStream':
        this.#endStream(client, said.streamId);
        break;
      case 'closeStream':
        this.#endStream(client, said.streamId === 0 ? undefined : said.streamId);
        break;
      case 'pause':
      case 'receiveAudio':
      case 'receiveVideo':
        this.#control(client, said);
        break;
      case 'call':
        client.expectAnswers(said.name, said.transactionId);
        break;
      case 'frame':
        this.#frame(client, said);
        break;
      default:
        break;
    }
  }

  #publish(client: ClientModel, streamId: number, key: string, serial: number): void {
    if (client.publish !== undefined || client.play?.streamId === streamId) {
      client.refused.add(streamId);
      const code = client.publish !== undefined ? ['NetStream.Publish.BadConnection'] : undefined;
      client.expectStatus({ streamId, level: 'error', codes: code });
      return;
    }
    if (key === '') {
      client.expectStatus({ streamId, level: 'error', codes: ['NetStream.Publish.BadName'], required: false });
      return;
    }
    if (!KEY.test(key)) {
      client.expectStatus({ streamId, level: 'error', codes: ['NetStream.Publish.BadName'] });
      this.#closes(client);
      return;
    }
    const publish: Publish = { client, channel: client.channel, streamId, key, serial, state: 'undecided', jti: '' };
    client.publish = publish;
    const channel = this.channel(client.channel);
    if (channel.blockedUntil > this.now()) {
      this.#refuse(publish, ['NetStream.Publish.Denied']);
    } else if (channel.stream !== undefined && !this.#mayReplace(channel.stream, publish)) {
      this.#refuse(publish, ['NetStream.Publish.BadName']);
    } else if (!this.rules.callback) {
      this.#accept(publish, '', undefined);
    } else {
      channel.waiting.push(publish);
      this.#mayBeBusy(channel, publish);
    }
  }

  /** A publisher that has taken a channel over keeps it while it sends: whether it does is for the server to say. */
  #mayBeBusy(channel: ChannelModel, publish: Publish): void {
    if (channel.stream?.tookOver !== true || publish.state !== 'undecided') return;
    const { client, streamId } = publish;
    const refused = (): void => {
      publish.state = 'over';
      client.publish = undefined;
      remove(channel.waiting, publish);
      this.#closes(client);
      // It plays no more: of a stream that ended after the refusal was due, it need not hear.
      client.forget();
    };
    client.expectStatus({
      ...{ streamId, level: 'error', codes: ['NetStream.Publish.BadName'] },
      ...{ required: false, overtaken: true, came: refused },
    });
  }

  #mayReplace(stream: StreamModel, publish: Publish): boolean {
    return this.rules.takeover && stream.key === publish.key;
  }

  /** The handler was asked. Returns what is wrong with that. */
  asked(asked: Asked): string | undefined {
    const channel = this.channel(asked.channel);
    const publish = channel.waiting.find(({ serial, jti }) => serial === asked.serial && jti === '');
    if (this.#isAsking(asked.channel)) return 'asked about two publishes of one channel at a time';
    if (this.#starts.has(asked.jti)) return 'asked twice under one jti';
    if (publish === undefined && this.#gone.has(asked.serial)) {
      this.#starts.set(asked.jti, { ...asked, publish, answered: false });
      return undefined;
    }
    if (publish?.key !== asked.key) return 'asked about a publish that does not wait';
    publish.jti = asked.jti;
    this.#starts.set(asked.jti, { ...asked, publish, answered: false });
    return undefined;
  }

  #isAsking(channel: string): boolean {
    return this.questions.some((start) => start.channel === channel);
  }

  /** The handler answers; `streamId` undefined: it does not accept. */
  answer(jti: string, final: boolean, streamId?: string, playKey?: string): void {
    const start = this.#starts.get(jti)!;
    start.answered = true;
    const { publish } = start;
    if (streamId !== undefined) this.#accepted.set(jti, { streamId, live: publish !== undefined, stops: 0 });
    if (publish === undefined) return;
    remove(this.channel(publish.channel).waiting, publish);
    if (streamId === undefined) {
      this.#refuse(publish, [final ? 'NetStream.Publish.Denied' : 'NetStream.Publish.BadName']);
    } else {
      this.#accept(publish, streamId, playKey);
    }
  }

  #accept(publish: Publish, streamId: string, playKey: string | undefined): void {
    const channel = this.channel(publish.channel);
    const { client, key } = publish;
    const former = channel.stream;
    if (former !== undefined) {
      // Its publisher lost the channel to another one with its key.
      const displaced = former.publish;
      const nextKey = playKey ?? key;
      this.#streamOver(channel, (player) => player === displaced.client || player.play!.key !== nextKey);
      displaced.client.publish = undefined;
      displaced.client.expectStatus({
        streamId: displaced.streamId,
        level: 'error',
        codes: ['NetStream.Publish.Denied'],
      });
      this.#closes(displaced.client);
    }
    publish.state = 'live';
    this.#streams += 1;
    const stream = new StreamModel({ publish, streamId, playKey: playKey ?? key, caches: this.rules.caches });
    stream.tookOver = former !== undefined;
    channel.stream = stream;
    const wrong = channel.players.filter((player) => player.play!.key !== stream.playKey);
    channel.players = channel.players.filter((player) => !wrong.includes(player));
    for (const player of channel.players) player.joinsAtStart(stream);
    for (const player of wrong) this.#wrongKey(player);
    // Unless what it plays itself has another key now.
    const required = client.end === 'open';
    client.expectStatus({
      ...{ streamId: publish.streamId, level: 'status', required },
      codes: ['NetStream.Publish.Start'],
    });
    for (const other of [...channel.waiting]) {
      if (!this.#mayReplace(stream, other)) {
        remove(channel.waiting, other);
        this.#refuse(other, ['NetStream.Publish.BadName']);
      } else this.#mayBeBusy(channel, other);
    }
    this.#goOn(client);
  }

  /** What the client said while its publish was being decided. */
  #goOn(client: ClientModel): void {
    const said = client.backlog.splice(0);
    for (const each of said) this.hear(client, each);
  }

  #refuse(publish: Publish, codes: readonly string[]): void {
    const { client, streamId } = publish;
    this.#abandon(publish);
    client.publish = undefined;
    client.expectStatus({ streamId, level: 'error', codes });
    this.#closes(client);
  }

  /** Nobody waits for the answer any more. */
  #abandon(publish: Publish): void {
    if (publish.jti === '') this.#gone.add(publish.serial);
    publish.state = 'over';
    remove(this.channel(publish.channel).waiting, publish);
    const start = this.#starts.get(publish.jti);
    if (start !== undefined) start.publish = undefined;
  }

  #play(client: ClientModel, streamId: number, key: string, cache: string): void {
    if (client.play !== undefined || client.publish?.streamId === streamId) {
      const codes = client.play !== undefined ? ['NetStream.Play.BadConnection'] : undefined;
      client.expectStatus({ streamId, level: 'error', codes });
      return;
    }
    if (key === '') {
      client.expectStatus({ streamId, level: 'error', codes: ['NetStream.Play.BadName'], required: false });
      return;
    }
    const channel = this.channel(client.channel);
    const { stream } = channel;
    if (!KEY.test(key) || (stream !== undefined && stream.playKey !== key)) {
      client.expectStatus({ streamId, level: 'error', codes: ['NetStream.Play.BadName'] });
      this.#closes(client);
      return;
    }
    client.startPlay(streamId, key, cache);
    channel.players.push(client);
    if (stream === undefined) return;
    client.joinsLate(stream);
    if (cache === 'clear' && stream.key === key) stream.clearCache();
  }

  #wrongKey(player: ClientModel): void {
    player.expectStatus({ streamId: player.play!.streamId, level: 'error', codes: ['NetStream.Play.BadName'] });
    this.#closes(player);
  }

  #endStream(client: ClientModel, streamId: number | undefined): void {
    const { publish, play } = client;
    if (publish !== undefined && (streamId === undefined || publish.streamId === streamId)) {
      this.#streamOver(this.channel(publish.channel));
      client.publish = undefined;
      client.expectStatus({ streamId: publish.streamId, level: 'status', codes: ['NetStream.Unpublish.Success'] });
    } else if (play !== undefined && (streamId === undefined || play.streamId === streamId)) {
      this.#stopPlay(client);
      client.expectStatus({ streamId: play.streamId, level: 'status', codes: ['NetStream.Play.Stop'] });
    }
  }

  #stopPlay(client: ClientModel): void {
    remove(this.channel(client.channel).players, client);
    client.endPlay();
  }

  #control(client: ClientModel, said: Said & { readonly kind: 'pause' | 'receiveAudio' | 'receiveVideo' }): void {
    if (client.play === undefined) return;
    const { stream } = this.channel(client.channel);
    // Its own frames and its wishes are read together.
    if (stream?.publish.client === client) client.blur(stream);
    if (said.kind === 'pause') client.pause(said.on, said.streamId, stream);
    else client.wants(said.kind === 'receiveAudio' ? 'audio' : 'video', said.on, stream);
  }

  #frame(client: ClientModel, { streamId, frame }: Said & { readonly kind: 'frame' }): void {
    const { publish } = client;
    if (publish === undefined || (client.refused.has(streamId) && streamId !== publish.streamId)) return;
    const channel = this.channel(publish.channel);
    const { stream } = channel;
    if (stream?.publish !== publish) return;
    const entry = stream.add(frame);
    for (const player of channel.players) player.frame(stream, entry);
  }

  /** The stream ends; its players are told and wait for the next one, but for those whose connection ends too. */
  #streamOver(channel: ChannelModel, closes: (player: ClientModel) => boolean = () => false): void {
    const { stream } = channel;
    if (stream === undefined) return;
    channel.stream = undefined;
    stream.publish.state = 'over';
    const accepted = this.#accepted.get(stream.publish.jti);
    if (accepted !== undefined) accepted.live = false;
    for (const player of channel.players) player.streamEnds(!closes(player));
  }

  /** The server closes the connection. */
  #closes(client: ClientModel): void {
    client.end = 'must';
    this.#leaves(client);
  }

  /** The client has closed its connection, or has lost it. */
  leave(client: ClientModel): void {
    if (client.gone) return;
    client.gone = true;
    client.backlog.length = 0;
    this.#leaves(client);
    client.forget();
  }

  #leaves(client: ClientModel): void {
    const { publish } = client;
    client.publish = undefined;
    client.backlog.length = 0;
    if (client.play !== undefined) this.#stopPlay(client);
    if (publish?.state === 'live') this.#streamOver(this.channel(publish.channel), (player) => player === client);
    else if (publish?.state === 'undecided') this.#abandon(publish);
  }

  /** An operator's order; `streamId` for `close-stream`, `seconds` for `block`. */
  order(
    verb: 'kill-session' | 'close-stream' | 'block' | 'unblock',
    name: string,
    streamId: string,
    seconds: number,
  ): void {
    const channel = this.channel(name);
    if (verb === 'unblock') {
      channel.blockedUntil = 0;
      return;
    }
    if (verb === 'close-stream' && channel.stream?.streamId !== streamId) return;
    if (verb === 'block') channel.blockedUntil = this.now() + seconds * 1000;
    const codes =
      verb === 'block' ? ['NetStream.Publish.Denied', 'NetStream.Publish.BadName'] : ['NetStream.Publish.BadName'];
    if (verb !== 'close-stream') for (const publish of [...channel.waiting]) this.#refuse(publish, codes);
    const { stream } = channel;
    if (stream === undefined) return;
    const { client, streamId: on } = stream.publish;
    this.#streamOver(channel, (player) => player === client);
    client.publish = undefined;
    client.expectStatus({
      streamId: on,
      level: 'error',
      codes: ['NetStream.Publish.BadName', 'NetStream.Publish.Denied'],
    });
    this.#closes(client);
  }

  /** The id of the channel's live stream; empty where there is none. */
  liveId(name: string): string {
    return this.channels.get(name)?.stream?.streamId ?? '';
  }

  /** The handler was told of an end. Returns what is wrong with that. */
  stopped(startJti: string, streamId: string): string | undefined {
    const accepted = this.#accepted.get(startJti);
    if (accepted === undefined) return `stop of a start that was not accepted (${streamId})`;
    if (accepted.live) return `stop of a live stream (${streamId})`;
    if (accepted.streamId !== streamId) return `stop with the id ${streamId} instead of ${accepted.streamId}`;
    accepted.stops += 1;
    return accepted.stops > 1 ? `${accepted.stops} stops for one start (${streamId})` : undefined;
  }

  /** The server has had time for everything. */
  settle(): void {
    this.#gone.clear();
  }

  /** What the server owes still, now that it has had time; undefined: nothing. */
  get missing(): string | undefined {
    for (const channel of this.channels.values()) {
      const asking = this.#isAsking(channel.name);
      if (!asking && channel.waiting.length > 0) return `nobody is asked about channel ${channel.name}`;
    }
    for (const [jti, { live, stops, streamId }] of this.#accepted) {
      const start = this.#starts.get(jti)!;
      // While somebody may be about to continue a stream, its stop may wait.
      if (!live && stops === 0 && !this.#isAsking(start.channel)) return `no stop for ${streamId}`;
    }
    return undefined;
  }
}
