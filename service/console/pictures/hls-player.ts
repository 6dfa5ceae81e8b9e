import type { ErrorData, HlsConfig } from 'hls.js';
import Hls from 'hls.js/light';

/** What a viewer is told. */
export type WatchState =
  | { readonly kind: 'waiting' | 'live' | 'silent' | 'ended' | 'keyNeeded' | 'wrongKey' }
  | { readonly kind: 'reconnecting' | 'refused'; readonly detail: string };

export interface WatchOptions {
  readonly element: HTMLVideoElement;
  /** Of the multivariant playlist, with the key. */
  readonly address: string;
  readonly hasKey: boolean;
  readonly onState: (state: WatchState) => void;
  /** How far behind the publisher the picture is (s); undefined: not known. */
  readonly onLatency: (seconds: number | undefined) => void;
}

/** Pause before a further attempt (ms), with jitter. */
const RETRY_MS = 2_000;
/** After a refusal that is not likely to change soon (ms). */
const REFUSED_RETRY_MS = 15_000;
const ASK_MS = 15_000;
const LATENCY_MS = 500;
/** Playing in native players, or nothing new for so long (ms): the viewer is told. */
const SILENT_MS = 6_000;
/** Clocks that differ by less (ms) count as equal: the server tells its time in whole seconds. */
const CLOCK_TOLERANCE_MS = 1_500;

const SETTINGS: Partial<HlsConfig> = {
  enableWorker: false,
  lowLatencyMode: true,
  maxLiveSyncPlaybackRate: 1.1,
  backBufferLength: 30,
};

// From the end of the playlist, which is itself up to one segment old. As defaults: settings of a player would also
// replace the shorter distance that a low-latency playlist asks for.
Object.assign(Hls.DefaultConfig, { liveSyncDurationCount: 2, liveMaxLatencyDurationCount: 5 });

/** Plays a channel, waits for its stream, and connects again by itself, until it is closed. */
export class HlsWatcher {
  readonly #options: WatchOptions;
  readonly #clock: number;
  #hls: Hls | undefined;
  #retry: number | undefined;
  #isClosed = false;
  #wasLive = false;
  #isEnded = false;
  /** Of this browser's clock to that of the server (ms). */
  #skew = 0;
  #position = -1;
  #movedAt = 0;
  #mediaErrors = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
    const { element } = options;
    element.addEventListener('playing', this.#playing);
    element.addEventListener('ended', this.#ended);
    element.addEventListener('error', this.#nativeError);
    this.#clock = window.setInterval(() => this.#look(), LATENCY_MS);
    this.#options.onState({ kind: 'waiting' });
    void this.#ask();
  }

  close(): void {
    this.#isClosed = true;
    window.clearInterval(this.#clock);
    const { element } = this.#options;
    element.removeEventListener('playing', this.#playing);
    element.removeEventListener('ended', this.#ended);
    element.removeEventListener('error', this.#nativeError);
    this.#stop();
  }

  readonly #playing = (): void => {
    this.#wasLive = true;
    this.#mediaErrors = 0;
    this.#movedAt = performance.now();
    this.#options.onState({ kind: 'live' });
  };

  readonly #ended = (): void => {
    this.#isEnded = true;
    this.#options.onLatency(undefined);
    this.#options.onState({ kind: 'ended' });
    // The next stream of the channel.
    this.#later(RETRY_MS);
  };

  readonly #nativeError = (): void => {
    if (this.#hls === undefined && this.#options.element.src !== '') this.#again('The player failed');
  };

  async #ask(): Promise<void> {
    const { address, hasKey, onState } = this.#options;
    let answer: Response;
    try {
      answer = await fetch(address, { signal: AbortSignal.timeout(ASK_MS), cache: 'no-store' });
    } catch {
      this.#waits('The server does not answer');
      return;
    }
    if (this.#isClosed) return;
    const { status } = answer;
    if (status === 200) {
      const text = await answer.text();
      this.#noteClock(answer.headers.get('date'));
      if (this.#isEnded && (await isOver(answer.url, text))) this.#later(RETRY_MS);
      else this.#play(answer.url);
    } else if (status === 401) {
      this.#stop();
      onState({ kind: hasKey ? 'wrongKey' : 'keyNeeded' });
    } else if (status === 403) {
      const { detail } = (await answer.json().catch(() => ({}))) as { detail?: string };
      onState({ kind: 'refused', detail: detail ?? 'The server refuses' });
      this.#later(REFUSED_RETRY_MS);
    } else {
      this.#waits(status === 404 ? '' : `The server answers ${status}`);
    }
  }

  /** There is nothing to play now. */
  #waits(detail: string): void {
    if (this.#isClosed) return;
    if (!this.#isEnded) {
      this.#options.onState(detail === '' || !this.#wasLive ? { kind: 'waiting' } : { kind: 'reconnecting', detail });
    }
    this.#later(RETRY_MS);
  }

  #play(url: string): void {
    this.#stop();
    this.#isEnded = false;
    const { element } = this.#options;
    if (!Hls.isSupported()) {
      element.src = url;
      void element.play().catch(() => undefined);
      return;
    }
    const hls = new Hls(SETTINGS);
    this.#hls = hls;
    hls.on(Hls.Events.ERROR, (_, error) => this.#error(error));
    hls.loadSource(url);
    hls.attachMedia(element);
    void element.play().catch(() => undefined);
  }

  #error({ fatal, type, details, response }: ErrorData): void {
    if (!fatal) return;
    if (type === Hls.ErrorTypes.MEDIA_ERROR && this.#mediaErrors < 2) {
      this.#mediaErrors += 1;
      this.#hls?.recoverMediaError();
    } else if (type === Hls.ErrorTypes.NETWORK_ERROR) {
      this.#again(response?.code ? `The server answers ${response.code}` : 'The server does not answer');
    } else {
      this.#again(`This browser cannot play it: ${details}`);
    }
  }

  #again(detail: string): void {
    this.#stop();
    this.#options.onLatency(undefined);
    this.#options.onState(this.#wasLive ? { kind: 'reconnecting', detail } : { kind: 'waiting' });
    this.#later(RETRY_MS);
  }

  #stop(): void {
    window.clearTimeout(this.#retry);
    this.#hls?.destroy();
    this.#hls = undefined;
    const { element } = this.#options;
    if (element.hasAttribute('src')) {
      element.removeAttribute('src');
      element.load();
    }
  }

  #later(ms: number): void {
    if (this.#isClosed) return;
    window.clearTimeout(this.#retry);
    this.#retry = window.setTimeout(() => void this.#ask(), ms * (0.75 + Math.random() / 2));
  }

  #look(): void {
    const { element, onLatency, onState } = this.#options;
    if (element.ended || element.readyState === 0) return;
    const now = performance.now();
    if (element.currentTime !== this.#position) {
      if (this.#wasLive && now - this.#movedAt > SILENT_MS) onState({ kind: 'live' });
      this.#position = element.currentTime;
      this.#movedAt = now;
    } else if (this.#wasLive && !element.paused && !this.#isEnded && now - this.#movedAt > SILENT_MS) {
      onState({ kind: 'silent' });
    }
    onLatency(this.#latency());
  }

  #latency(): number | undefined {
    const date = this.#hls?.playingDate ?? nativeDate(this.#options.element);
    if (date === undefined || this.#isEnded) return undefined;
    return Math.max(0, (Date.now() - this.#skew - date.getTime()) / 1000);
  }

  #noteClock(date: string | null): void {
    const skew = date === null ? 0 : Date.now() - Date.parse(date);
    this.#skew = Math.abs(skew) > CLOCK_TOLERANCE_MS ? skew : 0;
  }
}

/** Whether the media playlist behind a multivariant one is that of a stream that has ended. */
async function isOver(url: string, text: string): Promise<boolean> {
  const name = text.split('\n').find((line) => line !== '' && !line.startsWith('#'));
  if (name === undefined) return true;
  try {
    const answer = await fetch(new URL(name, url), { signal: AbortSignal.timeout(ASK_MS), cache: 'no-store' });
    return !answer.ok || (await answer.text()).includes('#EXT-X-ENDLIST');
  } catch {
    return true;
  }
}

/** Safari's way to say when a picture was made. */
function nativeDate(element: HTMLVideoElement): Date | undefined {
  const { getStartDate } = element as HTMLVideoElement & { getStartDate?: () => Date };
  const start = getStartDate?.call(element).getTime() ?? NaN;
  return Number.isNaN(start) ? undefined : new Date(start + element.currentTime * 1000);
}
