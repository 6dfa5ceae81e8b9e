import { addressGroup } from '../addresses/address-group';

/** Most publishers that wait for their turn at one channel. */
const MAX_WAITING = 16;

interface Waiting {
  readonly group: string;
  readonly round: number;
  readonly take: () => void;
  readonly giveUp: () => void;
}

interface Line {
  /** Of the one whose turn it is or was last. */
  group: string;
  round: number;
  readonly waiting: Waiting[];
}

/**
 * Publishers of one channel are decided on one after another: who comes meanwhile waits here. The turns go round by
 * client address: an address that has had its turn, or waits already, comes after those that have not. So whoever does
 * not have the key keeps its owner waiting for one decision, however many connections it has.
 */
export class Turns {
  readonly #lines = new Map<string, Line>();

  /** Somebody's turn has begun; `ended` has to follow. */
  begun(channel: string, clientIp: string): void {
    const line = this.#lines.get(channel);
    const group = addressGroup(clientIp);
    if (line) line.group = group;
    else this.#lines.set(channel, { group, round: 0, waiting: [] });
  }

  /** The turn is over: who is next may try. */
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
   * @returns whether the turn has come; false also for those who would have to wait longest when too many do
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

/** Sends the last of the last round away, if that comes after the given one. */
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
