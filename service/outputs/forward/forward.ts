import type { ForwardConfig } from '../../config/output-settings';
import { messageOf } from '../../errors/error-text';
import type { Fact } from '../../events/fact';
import type { ForwardStatus } from '../../http/api/schemas/output';
import type { Logger } from '../../logging/logger';
import { MediaFlag } from '../../protocol/media/media-tag';
import { type Clock, systemClock } from '../../time/clock';
import { type ForwardTarget, parseForwardUrl, shownForwardUrl } from '../policy/forward-url';
import type { MediaMessage, Output, StreamIdentity } from '../stream/output';
import { MediaSender } from './media-sender';
import type { PublishEvents } from './publish-client';
import { type EndKind, RetryPlan } from './retry-plan';
import { StreamStart } from './stream-start';
import { checkAddress } from './target-address';
import { type ConnectionSettings, TargetConnection } from './target-connection';
import type { TargetSupport } from './target-support';

export interface ForwardOptions {
  readonly id: string;
  readonly origin: 'policy' | 'order';
  readonly identity: StreamIdentity;
  /** Where to; a secret. */
  readonly url: string;
  readonly settings: Pick<ForwardConfig, 'allow'>;
  /** Authorities for RTMPS, as PEM (see `readTrustedAuthorities`); undefined: those of Node.js. */
  readonly authorities?: string | undefined;
  /** Whether the node listens there (see `isOwnPlace`): a stream is not forwarded to where it comes from. */
  readonly isOwn?: ((address: string, port: number) => boolean) | undefined;
  readonly tell: (fact: Fact) => void;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** A connection that ends sooner after Publish.Start (ms) counts as refused: so do services with a wrong key. */
const SETTLED_MS = 10_000;
/** At most one event of left out frames in this time (ms). */
const GAP_EVENT_MS = 10_000;
/** A forward that failed is tried again when the codecs change, but not sooner than this after it failed (ms). */
const OTHER_CODECS_MS = 10_000;
/** A target may ask for a new connection this often (ms); sooner, it waits as after a lost one. */
const MOVE_MS = 10_000;

/** Forwards a stream to an RTMP server. Connects at once, and until `end` or until the target is given up. */
export function openForward(options: ForwardOptions): Output {
  const forward = new Forward(options);
  forward.open();
  return forward;
}

class Forward implements Output {
  readonly id: string;
  readonly #options: ForwardOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #since: number;
  readonly #shown: string;
  readonly #connections: ConnectionSettings;
  readonly #retry: RetryPlan;
  readonly #start = new StreamStart();
  #target: ForwardTarget | undefined;
  /** Another address that the target has asked for, for the next attempt alone. */
  #movedTo: ForwardTarget | undefined;
  #state: ForwardStatus['state'] = 'connecting';
  #reason = '';
  #attempts = 0;
  #gaps = 0;
  #framesDropped = 0;
  /** Sent over earlier connections. */
  #bytes = 0;
  #connection: TargetConnection | undefined;
  #sender: MediaSender | undefined;
  #cancelRetry: () => void = () => undefined;
  #isHeld = false;
  /** The next attempt waits until the stream is resumed. */
  #isDue = false;
  /** A frame of the stream has come. */
  #hasFrame = false;
  /** How the last attempt ended, if the next one waits for the first frame. */
  #refusedEarly: string | undefined;
  #liveAt = 0;
  #wasLive = false;
  #movedAt = -Infinity;
  #isWaitingTold = false;
  #missingMs = 0;
  #gapToldAt = -Infinity;
  /** The stream's codecs when the target said no, and when that was: others may be accepted. */
  #refusedCodecs: string | undefined;
  #refusedAt = 0;
  #isOver = false;

  constructor(options: ForwardOptions) {
    const { id, identity, url, settings, authorities, isOwn, clock = systemClock, random = Math.random } = options;
    this.id = id;
    this.#options = options;
    this.#clock = clock;
    this.#since = clock.now();
    this.#shown = shownForwardUrl(url);
    this.#log = options.log.child({ channel: identity.channel, output: id, target: this.#shown });
    this.#connections = { rules: { allow: settings.allow, isOwn }, authorities };
    this.#retry = new RetryPlan(random);
  }

  open(): void {
    try {
      this.#target = parseForwardUrl(this.#options.url);
    } catch (error) {
      this.#fail(`the address ${messageOf(error)}`);
      return;
    }
    this.#attempt();
  }

  write(message: MediaMessage): void {
    this.#start.look(message);
    if (!this.#hasFrame && isFrame(this.#start.tag.flags)) this.#firstFrame();
    if (this.#sender !== undefined) this.#sender.write(message);
    else if (this.#wasLive && isFrame(this.#start.tag.flags)) this.#framesDropped += 1;
    if (this.#refusedCodecs !== undefined && this.#refusedCodecs !== this.#start.codecs) this.#tryOtherCodecs();
  }

  flush(): void {
    this.#sender?.flush();
  }

  gap(): void {
    if (this.#state === 'live') this.#gaps += 1;
    this.#sender?.gap();
  }

  held(): void {
    this.#isHeld = true;
  }

  resumed(): void {
    this.#isHeld = false;
    if (!this.#isDue) return;
    this.#isDue = false;
    this.#attempt();
  }

  async end(): Promise<void> {
    this.#isOver = true;
    this.#cancelRetry();
    this.#tellGap(true);
    const connection = this.#connection;
    this.#leave();
    await connection?.finish();
  }

  status(): ForwardStatus {
    return {
      ...{ kind: 'forward', id: this.id, origin: this.#options.origin, since: new Date(this.#since).toISOString() },
      ...{ target: this.#shown, state: this.#state, reason: this.#reason, attempts: this.#attempts },
      ...{ bytes: this.#bytes + sentOver(this.#connection), gaps: this.#gaps, framesDropped: this.#framesDropped },
    };
  }

  #attempt(query = ''): void {
    const target = this.#movedTo ?? this.#target;
    if (this.#isOver || target === undefined) return;
    if (query === '') this.#attempts += 1;
    this.#state = 'connecting';
    const connection: TargetConnection = new TargetConnection({
      settings: this.#connections,
      target,
      query,
      events: this.#eventsOf(() => this.#connection === connection),
    });
    this.#connection = connection;
    connection.open();
  }

  /** Events of a connection count while `isCurrent` says so. */
  #eventsOf(isCurrent: () => boolean): PublishEvents {
    return {
      ready: (support) => {
        if (isCurrent()) this.#ready(support);
      },
      moved: (tcUrl) => {
        if (isCurrent()) this.#moved(tcUrl);
      },
      challenged: (answer) => {
        if (!isCurrent()) return;
        this.#leave();
        this.#attempt(answer);
      },
      ended: (kind, reason) => {
        if (isCurrent()) this.#ended(kind, reason);
      },
    };
  }

  #ready(support: TargetSupport): void {
    const sender = new MediaSender(this.#connection!, support, this.#start, {
      dropped: () => (this.#framesDropped += 1),
      caughtUp: (missingMs) => {
        this.#gaps += 1;
        this.#missingMs += missingMs;
        this.#tellGap(false);
      },
      notTaken: (codec) => this.#refused(`target does not take ${codec}`),
    });
    const codec = sender.codecNotTaken();
    if (codec !== undefined) {
      this.#refused(`target does not take ${codec}`);
      return;
    }
    this.#sender = sender;
    this.#movedTo = undefined;
    this.#state = 'live';
    this.#reason = '';
    if (this.#wasLive) this.#gaps += 1;
    this.#wasLive = true;
    this.#isWaitingTold = false;
    this.#liveAt = this.#clock.now();
    this.#tell({ type: 'forward.live' });
    this.#log.info('forward live', { attempts: this.#attempts });
  }

  #moved(tcUrl: string | undefined): void {
    const connection = this.#connection;
    this.#movedTo = tcUrl === undefined ? undefined : this.#otherTarget(tcUrl);
    this.#leave();
    void connection?.finish();
    const isSoon = this.#clock.now() - this.#movedAt < MOVE_MS;
    this.#movedAt = this.#clock.now();
    if (isSoon) this.#waitFor(this.#retry.next('lost')!, 'the target asks for a new connection');
    else this.#attempt();
  }

  /**
   * The place that a target has named; never without TLS when the stream was sent with it. Undefined: it cannot be used,
   * and the next connection is made to the same place as before.
   */
  #otherTarget(tcUrl: string): ForwardTarget | undefined {
    const target = this.#target!;
    try {
      const other = parseForwardUrl(`${absoluteUrl(tcUrl, target.tcUrl)}#${target.key}`);
      if (target.secure && !other.secure) return undefined;
      checkAddress(other.host, other.port, this.#connections.rules);
      return { ...other, user: target.user, password: target.password, shown: target.shown };
    } catch {
      return undefined;
    }
  }

  #ended(kind: EndKind, reason: string): void {
    const liveMs = this.#state === 'live' ? this.#clock.now() - this.#liveAt : -1;
    // What cannot be had at the place that the target named says nothing of the target's own address.
    const wasMoved = this.#movedTo !== undefined;
    this.#leave();
    this.#movedTo = undefined;
    if (liveMs >= SETTLED_MS) this.#retry.succeeded();
    if (kind === 'refused' && !this.#hasFrame) {
      // The node that the stream comes from sends to the target until the first frame comes here.
      this.#refusedEarly = reason;
      this.#wait(reason);
      return;
    }
    const isRefused = kind === 'lost' && liveMs >= 0 && liveMs < SETTLED_MS;
    const pause = this.#retry.next(wasMoved ? 'lost' : isRefused ? 'refused' : kind);
    if (pause !== undefined) this.#waitFor(pause, reason);
    else if (kind === 'final') this.#fail(reason);
    else this.#refused(reason);
  }

  /** The target takes the stream as it is now in no case. */
  #refused(reason: string): void {
    this.#fail(reason);
    this.#refusedCodecs = this.#start.codecs;
    this.#refusedAt = this.#clock.now();
  }

  /** The publisher sends other codecs than those with which the target refused the stream. */
  #tryOtherCodecs(): void {
    this.#refusedCodecs = undefined;
    this.#retry.succeeded();
    const pauseMs = this.#refusedAt + OTHER_CODECS_MS - this.#clock.now();
    if (pauseMs > 0) this.#waitFor(pauseMs, 'the codec of the stream has changed');
    else this.#attempt();
  }

  #firstFrame(): void {
    this.#hasFrame = true;
    const reason = this.#refusedEarly;
    if (reason === undefined) return;
    this.#refusedEarly = undefined;
    const pause = this.#retry.next('refused');
    if (pause !== undefined) this.#waitFor(pause, reason);
  }

  #waitFor(pauseMs: number, reason: string): void {
    this.#cancelRetry = this.#clock.setTimeout(() => {
      if (this.#isHeld) this.#isDue = true;
      else this.#attempt();
    }, pauseMs);
    this.#log.debug('forward waiting', { reason, pauseMs });
    this.#wait(reason);
  }

  #wait(reason: string): void {
    this.#state = 'waiting';
    this.#reason = reason;
    if (this.#isWaitingTold) return;
    this.#isWaitingTold = true;
    this.#tell({ type: 'forward.waiting', reason });
    this.#log.warning('forward waiting', { reason });
  }

  #fail(reason: string): void {
    if (this.#state === 'failed') return;
    const connection = this.#connection;
    this.#leave();
    void connection?.finish();
    this.#state = 'failed';
    this.#reason = reason;
    this.#tell({ type: 'forward.failed', reason });
    this.#log.warning('forward failed', { reason });
  }

  /** The connection counts no more. */
  #leave(): void {
    this.#bytes += sentOver(this.#connection);
    this.#connection = undefined;
    this.#sender = undefined;
  }

  #tellGap(isLast: boolean): void {
    const now = this.#clock.now();
    if (this.#missingMs === 0 || (!isLast && now - this.#gapToldAt < GAP_EVENT_MS)) return;
    const { channel, streamId } = this.#options.identity;
    const missingMs = Math.round(this.#missingMs);
    this.#missingMs = 0;
    this.#gapToldAt = now;
    this.#options.tell({ type: 'output.gap', channel, streamId, output: this.id, kind: 'forward', missingMs });
  }

  #tell(what: { type: 'forward.live' } | { type: 'forward.waiting' | 'forward.failed'; reason: string }): void {
    const { channel, streamId } = this.#options.identity;
    this.#options.tell({ ...what, channel, streamId, output: this.id, target: this.#shown });
  }
}

/** Targets may name a place relative to the present one, such as `//other.host/app` or `/app` (Enhanced RTMP v2). */
function absoluteUrl(tcUrl: string, present: string): string {
  const [origin = '', scheme = ''] = /^(\w+:)\/\/[^/]*/.exec(present) ?? [];
  return tcUrl.startsWith('//') ? scheme + tcUrl : tcUrl.startsWith('/') ? origin + tcUrl : tcUrl;
}

function sentOver(connection: TargetConnection | undefined): number {
  return connection === undefined ? 0 : connection.written - connection.backlogBytes;
}

function isFrame(flags: number): boolean {
  return (flags & (MediaFlag.Config | MediaFlag.Data)) === 0;
}
