import { MAX_BLOCKED_BYTES } from '../hub/message-log';
import type { EndReason } from '../hub/publisher';
import type { ByteIntake } from './byte-intake';
import type { Authorizing, OpenStreams, Publishing } from './rtmp-commands/open-streams';
import type { SessionContext } from './session-context';
import type { CloseCode, SessionPhase } from './session-state';
import { StreamPace } from './stream-pace';

/** Time limits: from the connection's opening to the end of the handshake, and from there to `connect` (ms). */
const HANDSHAKE_MS = 10_000;
const CONNECT_MS = 10_000;
/** Time limit from `connect`, or from the end of the last publish or play, to a publish or play (ms). */
const STREAM_MS = 90_000;
/** How often clients are pinged (ms); more often if needed for two pings within SILENT_TIMEOUT_SECONDS. */
const PING_INTERVAL_MS = 30_000;
/** How often publishers are pinged (ms): encoders may have a time-out for receiving nothing. */
const PUBLISHER_PING_INTERVAL_MS = 6_000;
/** The same while a publish is being decided: RootEncoder gives up if it reads nothing for 5 s before Publish.Start. */
const UNDECIDED_PING_INTERVAL_MS = 4_000;
/** Time-outs are checked once a second: that ping is sent this much early (ms) rather than up to a second late. */
const LOOK_TOLERANCE_MS = 500;
/** A publisher that sent bytes within this time (ms) is still sending. */
const SENDING_MS = 1_500;
/** A publisher over its bitrate for this long is ended (ms). */
const OVER_BITRATE_MS = 10_000;
/** A publisher's rate is measured over this long (ms). */
const RATE_WINDOW_MS = 2_000;
/** Most chunks below 128 bytes a second, and how many seconds' worth may come at once. */
const TINY_CHUNKS_PER_SECOND = 100_000;
const TINY_CHUNK_BURST_SECONDS = 5;

/** The session whose time-outs are checked. */
export interface TimedSession {
  readonly context: Pick<SessionContext, 'now' | 'timeouts' | 'traffic'>;
  readonly phase: SessionPhase;
  readonly streams: OpenStreams;
  readonly intake: Pick<ByteIntake, 'receivedBytes' | 'tinyChunks'>;
  /** Sends a ping request; the client's response repeats `time` (ms). */
  ping(time: number): void;
  kill(reason: EndReason): void;
  fail(code: CloseCode, reason: string): void;
}

/** The time-outs and rate limits of one session. Checked once a second, without a timer for each session. */
export class SessionDeadlines {
  readonly #session: TimedSession;
  readonly #openedAt: number;
  #phaseSince: number;
  #heardAt: number;
  #pingedAt: number;
  #mediaAt: number;
  /** The pace of the stream that it publishes. */
  #pace = new StreamPace();
  #overBitrateSince = 0;
  /**
   * When received bytes were last measured (ms), their number then, and the rate before that; all bytes, not only
   * media.
   */
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

  /** When an audio or video message of its publish last began (ms). */
  get mediaAt(): number {
    return this.#mediaAt;
  }

  /** Bytes came in. */
  heard(): void {
    const { context } = this.#session;
    this.#heardAt = context.now();
    context.traffic.heardAt = this.#heardAt;
  }

  /** `connect` was accepted, or a stream has ended. */
  connected(): void {
    this.#phaseSince = this.#session.context.now();
  }

  gotMedia(): void {
    this.#mediaAt = this.#heardAt;
  }

  /**
   * To be called once a second.
   *
   * @param pausedMs how long before `now` the process did not run (ms). Everything that came in that time is unread, so
   *   no time-out is checked before the next call, and the pause counts for none of them.
   */
  tick(now: number, pausedMs = 0): void {
    if (pausedMs > 0) this.#excuse(now, pausedMs);
    else this.#checkTimeouts(now);
    if (this.#session.phase !== 'closed') this.#checkInput(now);
  }

  #excuse(now: number, pausedMs: number): void {
    const shifted = (since: number): number => Math.min(now, since + pausedMs);
    this.#phaseSince = shifted(this.#phaseSince);
    this.#heardAt = shifted(this.#heardAt);
    this.#pingedAt = shifted(this.#pingedAt);
    this.#mediaAt = shifted(this.#mediaAt);
    if (this.#overBitrateSince > 0) this.#overBitrateSince = shifted(this.#overBitrateSince);
  }

  #checkTimeouts(now: number): void {
    const session = this.#session;
    const { phase } = session;
    if (phase === 'closed') return;
    if (phase === 'handshaking') {
      if (now - this.#phaseSince > HANDSHAKE_MS) session.fail('handshake_timeout', 'no handshake in time');
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
    if (publishing !== null) this.#pace.look(publishing.publication.stream.sources.latestTimestamp, now);
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
   * Whether much of a publisher's data is still in transit, as in the upload of a file. It is not pinged then: it may
   * have closed already, and a ping to a closed socket makes its system drop all undelivered data.
   */
  #isBacklogged(now: number): boolean {
    const isSending = this.#session.streams.publishing !== null && now - this.#heardAt < SENDING_MS;
    return isSending && !this.#pace.isSteady;
  }

  /** Ends the session if its chunks cost too much to read, or a message stays unfinished. */
  #checkInput(now: number): void {
    const session = this.#session;
    const seconds = (now - this.#openedAt) / 1000 + TINY_CHUNK_BURST_SECONDS;
    if (session.intake.tinyChunks >= seconds * TINY_CHUNKS_PER_SECOND) {
      session.fail('protocol_error', 'chunk_flood: too many chunks below 128 bytes');
    }
    if ((session.streams.publishing?.publication.stream.blockedBytes ?? 0) > MAX_BLOCKED_BYTES) {
      session.fail('protocol_error', 'a message was left unfinished while others continued');
    }
  }

  /** Measures the rate of everything that a publisher sends, not only of its media. */
  #measure(now: number): void {
    const elapsed = now - this.#receivedAt;
    if (elapsed < RATE_WINDOW_MS) return;
    const { receivedBytes } = this.#session.intake;
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
    } else if (
      grant.maxDurationSeconds !== undefined &&
      now - stream.startedAt + (grant.liveElsewhereMs ?? 0) > grant.maxDurationSeconds * 1000
    ) {
      // The stream's duration, not this connection's: a publisher that reconnects does not get more time.
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
