/**
 * Received items, and waits for further ones. Every item is returned once: `next` gives the first item that fits and
 * was not returned before, so that waits for one kind never take another kind, and each kind comes in its order.
 */
export class MessageInbox<T> {
  /** All received items, in order, whether returned or not. */
  readonly received: T[] = [];
  readonly #waiting: T[] = [];
  readonly #waits = new Set<Wait<T>>();
  #ended: string | undefined;

  constructor(
    private readonly describe: (item: T) => string,
    private readonly defaultTimeoutMs: number,
  ) {}

  add(item: T): void {
    this.received.push(item);
    for (const wait of this.#waits) {
      if (!wait.fits(item)) continue;
      this.#waits.delete(wait);
      wait.resolve(item);
      return;
    }
    this.#waiting.push(item);
  }

  /** No more items will come: every wait, now and later, fails with the reason unless an earlier item satisfies it. */
  end(reason: string): void {
    this.#ended ??= reason;
    for (const wait of this.#waits) wait.reject(this.#failure(wait.what, reason));
    this.#waits.clear();
  }

  /** `what` names the item in the failure's text. */
  next(fits: (item: T) => boolean, what: string, timeoutMs = this.defaultTimeoutMs): Promise<T> {
    const found = this.#waiting.findIndex(fits);
    if (found >= 0) return Promise.resolve(this.#waiting.splice(found, 1)[0]!);
    if (this.#ended !== undefined) return Promise.reject(this.#failure(what, this.#ended));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waits.delete(wait);
        reject(this.#failure(what, `nothing after ${timeoutMs} ms`));
      }, timeoutMs);
      const wait: Wait<T> = {
        fits,
        what,
        resolve: (item) => {
          clearTimeout(timer);
          resolve(item);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      this.#waits.add(wait);
    });
  }

  /** The items that came last, for a failure's text. */
  summary(): string {
    const last = this.received.slice(-12).map(this.describe);
    return `${this.received.length} messages came${last.length === 0 ? '' : `, last: ${last.join(', ')}`}`;
  }

  #failure(what: string, reason: string): Error {
    return new Error(`waited for ${what}: ${reason}; ${this.summary()}`);
  }
}

interface Wait<T> {
  readonly fits: (item: T) => boolean;
  readonly what: string;
  readonly resolve: (item: T) => void;
  readonly reject: (error: Error) => void;
}
