/** Smallest window (bytes); smaller ones are raised to it, since each acknowledgement costs a message. */
const MIN_WINDOW = 1_000;
/**
 * With this window (bytes), a sender that stops when it is a window ahead reaches 40 Mbps even at two reads a second.
 */
const SMALL_WINDOW = 2_500_000;

/**
 * Counts received bytes and the acknowledgements that are due (RTMP 1.0 section 5.4.3): one for each window that the
 * client asked for, none if it did not ask. ffmpeg and librtmp, which OBS uses, do not ask when they publish.
 * Unrequested bytes may reach them after they have closed: their systems then reset the connection, and the end of the
 * stream that was still in transit is lost. GStreamer's rtmp2sink, RootEncoder and gortmplib do ask: they answer Set
 * Peer Bandwidth with a Window Acknowledgement Size.
 *
 * The count on the wire wraps at 2^32, which all of these clients read correctly. If a server starts over earlier, as
 * at 0xf0000000, GStreamer's statistics mistake that for the wrap.
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

  /** The client wants an acknowledgement for each `bytes` bytes; 0: none. All earlier bytes count as one window. */
  set window(bytes: number) {
    this.#window = bytes === 0 ? 0 : Math.max(MIN_WINDOW, bytes);
    this.#acknowledged = Math.max(this.#acknowledged, this.#total - this.#window);
  }

  /** Whether delayed reads slow down a sender that stops until its window is acknowledged. */
  get windowIsSmall(): boolean {
    return this.#window > 0 && this.#window < SMALL_WINDOW;
  }

  /** Complete windows that have not been acknowledged. */
  get acknowledgementsDue(): number {
    return this.#window === 0 ? 0 : Math.floor((this.#total - this.#acknowledged) / this.#window);
  }

  /** Counts one window as acknowledged; returns the sequence number for the acknowledgement. */
  acknowledge(): number {
    this.#acknowledged += this.#window;
    return this.#acknowledged >>> 0;
  }
}
