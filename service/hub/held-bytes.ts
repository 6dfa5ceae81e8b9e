import { SOFT_UNSENT_BYTES, type Player } from './player';

/** Players whose sockets still hold bytes of the log: their memory must not be overwritten until they are sent. */
export class HeldBytes {
  readonly #players: Player[] = [];

  /** Position of the oldest byte that a socket may still hold; Infinity when none holds any. */
  get from(): number {
    let from = Infinity;
    for (const player of this.#players) from = Math.min(from, player.heldFrom);
    return from;
  }

  /** A player's socket did not take all of the log from this position on. */
  add(player: Player, from: number): void {
    if (player.heldFrom === Infinity) this.#players.push(player);
    player.heldFrom = Math.min(player.heldFrom, from);
  }

  /**
   * Forgets a player that leaves. Returns the position from which its socket still holds bytes, which it may send
   * at any time from now on; Infinity when it holds none.
   */
  remove(player: Player): number {
    const at = this.#players.indexOf(player);
    if (at < 0) return Infinity;
    this.#players.splice(at, 1);
    const { heldFrom } = player;
    player.heldFrom = Infinity;
    return player.outlet.unsentBytes > 0 ? heldFrom : Infinity;
  }

  /** Removes the players whose sockets have drained. */
  update(): void {
    const players = this.#players;
    let kept = 0;
    for (const player of players) {
      if (player.outlet.unsentBytes > 0) {
        players[kept] = player;
        kept += 1;
      } else {
        player.heldFrom = Infinity;
        player.softUnsentBytes = SOFT_UNSENT_BYTES;
      }
    }
    players.length = kept;
  }

  clear(): void {
    this.#players.length = 0;
  }
}
