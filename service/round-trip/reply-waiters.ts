import type { AmfValue } from '../protocol/amf/amf-value';

/** A command from the server: an answer or a status. */
export interface Reply {
  readonly name: string;
  readonly transactionId: number;
  /** `code` of its information object; empty when it has none. */
  readonly code: string;
  readonly args: readonly AmfValue[];
}

interface Waiter {
  readonly matches: (reply: Reply) => boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** The waits for a reply of the server. The connection's failure rejects all of them, also later ones. */
export class ReplyWaiters {
  readonly #waiters = new Set<Waiter>();
  #failure: Error | undefined;

  wait(matches: (reply: Reply) => boolean): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#failure === undefined) this.#waiters.add({ matches, resolve, reject });
      else reject(this.#failure);
    });
  }

  settle(reply: Reply): void {
    for (const waiter of this.#waiters) {
      if (!waiter.matches(reply)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(reply);
    }
  }

  /** Rejects all waits; only the first failure counts. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
  }
}
