import { addressGroup } from '../addresses/address-group';

/** Most publishers that wait for their turn on one channel. */
const MAX_WAITING = 16;

interface Waiting {
  readonly group: string;
  readonly round: number;
  readonly take: () => void;
  readonly giveUp: () => void;
}

interface Line {
  /** Group and round of the publisher that has, or last had, the turn. */
  group: string;
  round: number;
  readonly waiting: Waiting[];
}

/**
 * Publishers of one channel are decided on one after another; the others wait here. Client addresses take turns: an
 * address that has had its turn, or waits already, comes after addresses that have not. So a client without the key
 * delays the owner of the channel by one decision only, however many connections it opens.
 */
export class Turns {
  readonly #lines = new Map<string, Line>();

  /** A publisher's turn has begun; `ended` has to follow. */
  begun(channel: string, clientIp: string): void {
    const line = this.#lines.get(channel);
    const group = addressGroup(clientIp);
    if (line) line.group = group;
    else this.#lines.set(channel, { group, round: 0, waiting: [] });
  }

  /** The turn is over: the next publisher may try. */
  ended(channel: string): void {
    const line = this.#lines.get(channel);
    if (!line) return;
    let next: Waiting | undefined;
    for (const each of line.waiting) if (!next || each.round < next.round) next = each;
    if (!next) {
      this.#lines.delete(channel);
      return;
    }
    line.round = next.round;
    line.group = next.group;
    remove(line.waiting, next);
    next.take();
  }

  /**
   * Waits for a turn, at most for `timeoutMs`.
   *
   * @returns whether the turn has come; when too many wait, false for those who would have to wait longest
   */
  wait(channel: string, clientIp: string, timeoutMs: number, signal: AbortSignal): Promise<boolean> {
    const line = this.#lines.get(channel);
    if (!line) return Promise.resolve(true);
    const group = addressGroup(clientIp);
    const own = line.waiting.filter((each) => each.group === group).map(({ round }) => round + 1);
    const round = Math.max(line.round, ...own, ...(line.group === group ? [line.round + 1] : []));
    if (line.waiting.length >= MAX_WAITING && !makeRoom(line.waiting, round)) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (hasTurn: boolean): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        resolve(hasTurn);
      };
      const giveUp = (): void => {
        remove(line.waiting, entry);
        settle(false);
      };
      const entry = { group, round, take: () => settle(true), giveUp };
      const timer = setTimeout(giveUp, timeoutMs);
      signal.addEventListener('abort', giveUp, { once: true });
      line.waiting.push(entry);
    });
  }
}

/** Refuses the last waiting publisher of the last round, if that round is after the given round. */
function makeRoom(waiting: readonly Waiting[], round: number): boolean {
  let last: Waiting | undefined;
  for (const each of waiting) if (!last || each.round >= last.round) last = each;
  if (!last || last.round <= round) return false;
  last.giveUp();
  return true;
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}
