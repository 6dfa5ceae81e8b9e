import { Hub } from '../../../service/hub/hub';
import type { StreamGrant } from '../../../service/hub/publication';
import { SlabPool } from '../../../service/hub/slab';
import { TrafficCounters } from '../../../service/metrics/traffic-counters';
import { NameRules } from '../../../service/session/rtmp-commands/name-rules';
import type { AdmissionOutcome, PublishGate } from '../../../service/session/rtmp-commands/publish-gate';
import { Session } from '../../../service/session/session';
import type { SessionContext } from '../../../service/session/session-context';
import { OpenSessions } from '../../../service/session/open-sessions';
import type { CloseCode } from '../../../service/session/session-state';
import type { Transport } from '../../../service/session/transport';
import type { Amf } from '../../support/rtmp/amf-test-codec';
import { ClientHandshake } from '../../support/rtmp/client-handshake';
import { MemoryLogger } from '../../support/memory-logger';
import {
  ChunkBuilder,
  command,
  MessageType,
  type ChunkForm,
  type OutgoingMessage,
} from '../../support/rtmp/wire-builder';
import { ChunkDecoder, type ReceivedMessage } from '../../support/rtmp/wire-reader';
import { PLAIN_NAMES } from '../../support/names';

/** More than the limit for players' unsent answers. */
export const GOP_CACHE_BYTES = 128 * 2 ** 20;

/** Sessions on a clock that the test moves, each with a client that sends raw bytes. */
export class SessionRig {
  nowMs = 1_000;
  readonly log = new MemoryLogger();
  readonly closed: CloseCode[] = [];
  readonly traffic = new TrafficCounters();
  readonly sessions = new OpenSessions(this.nowMs);
  /** The decision on a publish; undefined leaves it undecided. */
  grant: StreamGrant | undefined = { streamId: 'id' };
  readonly hub = new Hub({
    pool: new SlabPool(0),
    traffic: this.traffic,
    chunkSize: 4096,
    gopCacheBytes: GOP_CACHE_BYTES,
    scheduler: { ready: (stream) => void this.#ready.add(stream) },
    now: () => this.nowMs,
  });
  /** A publisher that was lost may come back. */
  holdsLost = false;
  readonly #ready = new Set<{ flush(): void }>();
  readonly #gate: PublishGate = {
    admit: (publisher, { channel: name, key }): Promise<AdmissionOutcome> => {
      const channel = this.hub.channel(name);
      channel.reserve(publisher, this.holdsLost);
      if (this.grant === undefined) return new Promise(() => {});
      const playKey = this.grant.playKey ?? key;
      const admitsKey = (given: string): boolean => given === playKey;
      const begin = { key, grant: this.grant, admitsKey };
      const goesOn = channel.publication !== null;
      const publication = goesOn ? channel.resume(publisher, begin) : channel.begin(publisher, begin);
      return Promise.resolve({ accepted: true, publication });
    },
    leave: (publisher, publication, graceful) => {
      const channel = this.hub.find(publication.channel);
      if (this.holdsLost && !graceful) channel?.hold(publisher);
      else channel?.end(publication);
    },
  };
  context: SessionContext = {
    hub: this.hub,
    gate: this.#gate,
    names: new NameRules(PLAIN_NAMES),
    log: this.log,
    traffic: this.traffic,
    chunkSize: 4096,
    timeouts: { mediaMs: 120_000, silentMs: 60_000 },
    gopCacheBytes: GOP_CACHE_BYTES,
    mayPlay: () => true,
    streamWanted: () => {},
    refusal: () => undefined,
    now: () => this.nowMs,
    afterRead: () => this.flush(),
    sessionClosed: (code) => void this.closed.push(code),
  };

  /** @param moveToStream asked when a client plays; default: there is only one process */
  constructor(moveToStream?: SessionContext['moveToStream']) {
    if (moveToStream !== undefined) this.context = { ...this.context, moveToStream };
  }

  /** A connection that has sent nothing yet. */
  open(): SessionClient {
    const transport = new FakeTransport();
    const session = new Session({ context: this.context, transport, id: this.sessions.nextId() });
    this.sessions.add(session);
    return new SessionClient(this, session, transport);
  }

  /** One that has connected. */
  connected(): SessionClient {
    const client = this.open();
    client.shakeHands();
    client.command('connect', { app: 'channel' });
    return client;
  }

  async publisher(): Promise<SessionClient> {
    const client = this.connected();
    client.command('publish', null, 'key', 'live');
    await client.settled();
    return client;
  }

  flush(): void {
    for (const stream of this.#ready) stream.flush();
    this.#ready.clear();
  }

  /** Moves the clock second by second, as the node's does; `each` comes before each tick. */
  advance(seconds: number, each: () => void = () => {}): void {
    for (let passed = 0; passed < seconds; passed += 1) {
      this.nowMs += 1_000;
      each();
      this.sessions.tick(this.nowMs);
      this.hub.tick(this.nowMs);
    }
  }
}

class FakeTransport implements Transport {
  readonly remoteAddress = '192.0.2.7';
  readonly secure = false;
  /** Set by tests whose client reads nothing. */
  unsentBytes = 0;
  readsNothing = false;
  paused = false;
  ended = false;
  readonly written: Buffer[] = [];

  write(bytes: Buffer): boolean {
    if (this.ended) return false;
    this.written.push(Buffer.from(bytes));
    if (this.readsNothing) this.unsentBytes += bytes.length;
    return this.unsentBytes > 0;
  }

  writeAll(views: readonly Buffer[]): boolean {
    for (const view of views) this.write(view);
    return this.unsentBytes > 0;
  }

  proven(): void {}

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  detach(): Promise<object> {
    this.ended = true;
    return Promise.resolve({});
  }

  end(): void {
    this.ended = true;
  }
}

export class SessionClient {
  readonly chunks = new ChunkBuilder();
  readonly #decoder = new ChunkDecoder();
  #decoded = 0;
  readonly #messages: ReceivedMessage[] = [];
  #transactionId = 0;

  constructor(
    readonly rig: SessionRig,
    readonly session: Session,
    readonly transport: FakeTransport,
  ) {}

  bytes(bytes: Buffer): void {
    this.session.receive(bytes, 0, bytes.length);
    this.rig.flush();
  }

  shakeHands(): void {
    this.bytes(Buffer.concat([new ClientHandshake().c0c1, Buffer.alloc(1536)]));
    this.transport.written.length = 0;
  }

  send(message: OutgoingMessage, form?: ChunkForm): void {
    this.bytes(this.chunks.message(message, form));
  }

  command(name: string, ...args: Amf[]): void {
    this.#transactionId += 1;
    this.send(command(name, this.#transactionId, args, name === 'connect' ? 0 : 1));
  }

  video(timestamp: number, payload: Buffer, form?: ChunkForm): void {
    this.send({ type: MessageType.video, streamId: 1, timestamp, payload }, form);
  }

  /** Resolves when the answer to a publish has arrived. */
  async settled(): Promise<void> {
    await Promise.resolve();
    await Promise.resolve();
  }

  /** Everything that the server has sent since the handshake. */
  get received(): readonly ReceivedMessage[] {
    const { written } = this.transport;
    while (this.#decoded < written.length) this.#messages.push(...this.#decoder.push(written[this.#decoded++]!));
    return this.#messages;
  }

  /** Code and description of every onStatus so far. */
  get statuses(): { readonly code: string; readonly description: string }[] {
    return this.received
      .filter((message) => message.command?.name === 'onStatus')
      .map(({ command: received }) => received!.args[1] as { code: string; description: string });
  }
}
