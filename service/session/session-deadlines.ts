import { MAX_BLOCKED_BYTES } from '../hub/live-stream';
import type { EndReason } from '../hub/publication';
import type { Authorizing, OpenStreams, Publishing } from './rtmp-commands/open-streams';
import type { SessionContext } from './session-context';
import type { CloseCode, SessionPhase } from './session-state';
import { StreamPace } from './stream-pace';

/** From the first byte to the end of the handshake, and from there to `connect` (ms). */
const HANDSHAKE_MS = 10_000;
const CONNECT_MS = 10_000;
/** From `connect` to a publish or play, and after one has ended (ms). */
const STREAM_MS = 90_000;
/** How often clients are pinged: at least twice within the time after which a silent one is gone (ms). */
const PING_INTERVAL_MS = 30_000;
/** How often publishers are pinged: encoders that read may have a time-out for it (ms). */
const PUBLISHER_PING_INTERVAL_MS = 6_000;
/** While a publish is decided on: RootEncoder gives up if it reads nothing for 5 s before Publish.Start (ms). */
const UNDECIDED_PING_INTERVAL_MS = 4_000;
/** The time-outs are looked at once a second: that ping is sent so much early rather than a look late (ms). */
const LOOK_TOLERANCE_MS = 500;
/** A publisher that was heard so lately is in the middle of sending (ms). */
const SENDING_MS = 1_500;
/** A publisher over its bitrate for this long is ended (ms). */
const OVER_BITRATE_MS = 10_000;
/** A publisher's rate is taken over this long (ms). */
const RATE_WINDOW_MS = 2_000;
/** Chunks below 128 bytes a second, and how many seconds' worth may come at once. */
const TINY_CHUNKS_PER_SECOND = 100_000;
const TINY_CHUNK_BURST_SECONDS = 5;

/** The session whose time-outs are looked after. */
export interface TimedSession {
  readonly context: Pick<SessionContext, 'now' | 'timeouts'>;
  readonly phase: SessionPhase;
  readonly streams: OpenStreams;
  /** Everything that came from the client (bytes). */
  readonly receivedBytes: number;
  /** Chunks with a payload below 128 bytes since the connection opened. */
  readonly tinyChunks: number;
  /** Asks the client for a sign of life; `time` comes back with it (ms). */
  ping(time: number): void;
  kill(reason: EndReason): void;
  fail(code: CloseCode, reason: string): void;
}

/** The time-outs of one session, and bounds that take time into account. Checked once a second; no session has a timer of its own. */
export class SessionDeadlines {
  readonly #session: TimedSession;
  readonly #openedAt: number;
  #phaseSince: number;
  #heardAt: number;
  #pingedAt: number;
  #mediaAt: number;
  /** Of what it publishes. */
  #pace = new StreamPace();
  #overBitrateSince = 0;
  /** What came in at the last two looks, media or not (bytes), and how fast that is. */
  #receivedAt = 0;
  #receivedBytes = 0;
  #receivedKbps = 0;
  #handshakeSeen = false;

  constructor(session: TimedSession, now: number) {
    this.#session = session;
    this.#openedAt = now;
    this.#phaseSince = now;
    this.#heardAt = now;
    this.#pingedAt = now;
    this.#mediaAt = now;
  }

  /** When bytes last came in (ms). */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** When audio or video of its publish last began to come in (ms). */
  get mediaAt(): number {
    return this.#mediaAt;
  }

  /** Bytes came in. */
  heard(): void {
    this.#heardAt = this.#session.context.now();
  }

  /** `connect` was accepted, or a stream has ended. */
  connected(): void {
    this.#phaseSince = this.#session.context.now();
  }

  gotMedia(): void {
    this.#mediaAt = this.#heardAt;
  }

  /** To be called once a second. */
  tick(now: number): void {
    this.#checkTimeouts(now);
    if (this.#session.phase !== 'closed') this.#checkInput(now);
  }

  #checkTimeouts(now: number): void {
    const session = this.#session;
    const { phase } = session;
    if (phase === 'closed') return;
    if (phase === 'handshaking') {
      if (now - this.#openedAt > HANDSHAKE_MS) session.fail('handshake_timeout', 'no handshake in time');
      return;
    }
    if (phase === 'connecting') {
      if (!this.#handshakeSeen) {
        this.#handshakeSeen = true;
        this.#phaseSince = now;
      }
      if (now - this.#phaseSince > CONNECT_MS) session.fail('connect_timeout', 'no connect in time');
      return;
    }
    if (phase === 'connected' && now - this.#phaseSince > STREAM_MS) {
      session.fail('idle_timeout', 'neither publish nor play in time');
      return;
    }
    const { silentMs } = session.context.timeouts;
    if (phase !== 'authorizing' && now - this.#heardAt > silentMs) {
      session.fail('silent', `nothing heard for ${silentMs / 1000} s`);
      return;
    }
    const { publish, publishing } = session.streams;
    if (publishing !== null) this.#pace.look(publishing.publication.stream.latestTimestamp, now);
    if (now - this.#pingedAt >= Math.min(pingIntervalMs(publish), silentMs / 2) && !this.#isBacklogged(now)) {
      this.#pingedAt = now;
      session.ping(now - this.#openedAt);
    }
    if (publishing !== null) this.#checkPublisher(publishing, now);
  }

  /** The publish was accepted now. */
  publishing(): void {
    this.#mediaAt = this.#session.context.now();
    this.#phaseSince = this.#mediaAt;
    this.#heardAt = this.#mediaAt;
    this.#pace = new StreamPace();
  }

  /**
   * Whether a publisher has much on its way to here, as in the upload of a file. It is not pinged then: it may have closed
   * already, and a ping that meets a closed socket has its system drop all that was not delivered.
   */
  #isBacklogged(now: number): boolean {
    const isSending = this.#session.streams.publishing !== null && now - this.#heardAt < SENDING_MS;
    return isSending && !this.#pace.isSteady;
  }

  /** What is read costs too much, or is never finished. */
  #checkInput(now: number): void {
    const session = this.#session;
    const seconds = (now - this.#openedAt) / 1000 + TINY_CHUNK_BURST_SECONDS;
    if (session.tinyChunks >= seconds * TINY_CHUNKS_PER_SECOND) {
      session.fail('protocol_error', 'chunk_flood: too many chunks below 128 bytes');
    }
    if ((session.streams.publishing?.publication.stream.blockedBytes ?? 0) > MAX_BLOCKED_BYTES) {
      session.fail('protocol_error', 'a message was left unfinished while others went on');
    }
  }

  /** Everything that a publisher sends counts, not its media alone. */
  #measure(now: number): void {
    const elapsed = now - this.#receivedAt;
    if (elapsed < RATE_WINDOW_MS) return;
    const { receivedBytes } = this.#session;
    if (this.#receivedAt > 0) this.#receivedKbps = Math.round(((receivedBytes - this.#receivedBytes) * 8) / elapsed);
    this.#receivedAt = now;
    this.#receivedBytes = receivedBytes;
  }

  #checkPublisher({ publication }: Publishing, now: number): void {
    const session = this.#session;
    const { grant, stream } = publication;
    const { mediaMs } = session.context.timeouts;
    this.#measure(now);
    if (now - this.#mediaAt > mediaMs) {
      session.fail('media_timeout', `no audio or video for ${mediaMs / 1000} s`);
    } else if (grant.maxDurationSeconds !== undefined && now - stream.startedAt > grant.maxDurationSeconds * 1000) {
      // Of the stream, not of this connection: a publisher that comes back goes on with what it has used up.
      session.kill(`Stream reached its maximum duration of ${grant.maxDurationSeconds} s`);
    } else if (
      grant.maxBitrateKbps === undefined ||
      Math.max(stream.stats.bitrateKbps, this.#receivedKbps) <= grant.maxBitrateKbps
    ) {
      this.#overBitrateSince = 0;
    } else if (this.#overBitrateSince === 0) {
      this.#overBitrateSince = now;
    } else if (now - this.#overBitrateSince >= OVER_BITRATE_MS) {
      session.kill(`Stream is over its maximum bitrate of ${grant.maxBitrateKbps} kbps`);
    }
  }
}

function pingIntervalMs(publish: Authorizing | Publishing | null): number {
  if (publish === null) return PING_INTERVAL_MS;
  return publish.phase === 'authorizing' ? UNDECIDED_PING_INTERVAL_MS - LOOK_TOLERANCE_MS : PUBLISHER_PING_INTERVAL_MS;
}
