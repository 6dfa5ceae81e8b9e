import type { Socket } from 'node:net';

/** Tells all processes that share a listener which local port a test connection is about to come from. */
export interface TestAnnouncer {
  /** Resolves once each of them will know before the connection reaches it. */
  announce(localPort: number): Promise<void>;
  /** Calls back with each port that any of them announces. */
  onAnnounced(listener: (localPort: number) => void): void;
}

/** An announced connection that has not come by then comes no more, or came to another process (ms). */
const EXPECTED_MS = 10_000;

/**
 * The node's own test connections on their way to its listeners. They are known by their port, from before they are
 * made, so that they are told apart from a client's before anything is counted or logged.
 */
export class TestConnections {
  /** Until when each is expected, the first to end first. */
  readonly #expected = new Map<number, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  expect(localPort: number): void {
    const now = this.#now();
    for (const [port, until] of this.#expected) {
      if (until > now) break;
      this.#expected.delete(port);
    }
    this.#expected.delete(localPort);
    this.#expected.set(localPort, now + EXPECTED_MS);
  }

  /** Whether an accepted connection is one of them, which it is once. */
  claim({ remoteAddress, remotePort = 0, localAddress }: Socket): boolean {
    // Only the machine itself can connect from the address that it connects to.
    return remoteAddress === localAddress && this.#expected.delete(remotePort);
  }
}
