/** A smaller window (bytes) is taken for this one: each acknowledgement costs a message. */
const MIN_WINDOW = 1_000;
/** A sender that stops a window ahead reaches 40 Mbps with this one (bytes) even if it is read twice a second only. */
const SMALL_WINDOW = 2_500_000;

/**
 * How much came in, and what of it is to be acknowledged (RTMP 1.0 section 5.4.3): one acknowledgement for each window
 * that the client asked for, none if it did not. ffmpeg and librtmp, which OBS has, do not ask when they publish, and
 * what they are sent unasked may meet them after they have closed: their systems then reset the connection, and the end
 * of the stream that was still on its way is lost. GStreamer's rtmp2sink, RootEncoder and gortmplib do ask: they answer
 * Set Peer Bandwidth with a Window Acknowledgement Size.
 *
 * The count on the wire wraps at 2^32, which all of them read right. Where a server starts over earlier, as at
 * 0xf0000000, GStreamer's statistics take that for the wrap.
 */
export class ReceivedBytes {
  #total = 0;
  #acknowledged = 0;
  #window = 0;

  /** Bytes since the connection opened. */
  get total(): number {
    return this.#total;
  }

  add(bytes: number): void {
    this.#total += bytes;
  }

  /** The client wants an acknowledgement for each so many bytes; 0: none. What came before counts as one window. */
  set window(bytes: number) {
    this.#window = bytes === 0 ? 0 : Math.max(MIN_WINDOW, bytes);
    this.#acknowledged = Math.max(this.#acknowledged, this.#total - this.#window);
  }

  /** Whether a sender that stops until its window is acknowledged is held up by reads that come late. */
  get windowIsSmall(): boolean {
    return this.#window > 0 && this.#window < SMALL_WINDOW;
  }

  /** Whole windows that were not acknowledged. */
  get acknowledgementsDue(): number {
    return this.#window === 0 ? 0 : Math.floor((this.#total - this.#acknowledged) / this.#window);
  }

  /** Counts one window as acknowledged; gives the number to say so with. */
  acknowledge(): number {
    this.#acknowledged += this.#window;
    return this.#acknowledged >>> 0;
  }
}
