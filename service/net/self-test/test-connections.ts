import type { Socket } from 'node:net';
import type { MonotonicClock } from '../../time/clock';

/** Tells all processes that share a listener which local port a test connection is about to come from. */
export interface TestAnnouncer {
  /** Resolves once every process will know the port before the connection reaches it. */
  announce(localPort: number): Promise<void>;
  /** Calls back with each port that any process announces. */
  onAnnounced(listener: (localPort: number) => void): void;
}

/** An announced connection that has not come within this time (ms) has failed, or has come to another process. */
const EXPECTED_MS = 10_000;

/**
 * The node's own test connections to its listeners. They are recognised by their local port, which is known before they
 * are made, so that none is counted or logged as a client's.
 */
export class TestConnections {
  /** The expected local ports and until when (ms), the first to expire first. */
  readonly #expected = new Map<number, number>();
  readonly #now: MonotonicClock;

  constructor(now: MonotonicClock) {
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

  /** Whether an accepted connection is an expected test connection; each is claimed only once. */
  claim({ remoteAddress, remotePort = 0, localAddress }: Socket): boolean {
    // Only the machine itself can connect from the address that it connects to.
    return remoteAddress === localAddress && this.#expected.delete(remotePort);
  }
}
