/** A connection that is left unread for a while. */
export interface PacedRead {
  readAgain(): void;
}

/** How long connections are left unread (ms). */
const PACE_MS = 80;
/**
 * A read of so many bytes may have left some behind, or have filled the connection's window: the next follows at once.
 * 80 ms of 4 Mbps are 40 KB.
 */
const FULL_READ_BYTES = 48 * 1024;

/**
 * Reads connections together that nobody waits for: each read costs the kernel and this program much the same, whether
 * it brings one frame or several.
 */
export class PacedReads {
  readonly #held = new Set<PacedRead>();
  #timer: NodeJS.Timeout | undefined;

  /** Whether the connection is left unread now, after a read of so many bytes. */
  hold(connection: PacedRead, bytes: number): boolean {
    if (bytes >= FULL_READ_BYTES) return false;
    this.#held.add(connection);
    this.#timer ??= setTimeout(this.#readAgain, PACE_MS);
    return true;
  }

  /** The connection is closed. */
  forget(connection: PacedRead): void {
    this.#held.delete(connection);
  }

  readonly #readAgain = (): void => {
    this.#timer = undefined;
    const held = [...this.#held];
    this.#held.clear();
    for (const connection of held) connection.readAgain();
  };
}

/** Of all streams of this program. */
export const pacedReads = new PacedReads();
