import type { StopRecord } from '../../auth/stop-record';
import { BoundedMap } from '../../collections/bounded-map';
import type { KeptStop } from './life-documents';

/** Most delivered stops that are remembered, for late messages about them. */
const MAX_REMEMBERED = 20_000;

interface DueStop extends KeptStop {
  isStored: boolean;
}

/** The stops that this node has to deliver, as it knows them; the registry has them too, or is to get them. */
export class StopBook {
  /** By `jti`, oldest first. */
  readonly #due = new Map<string, DueStop>();
  /** Stops that were not pulled yet. */
  readonly #waiting = new Set<string>();
  readonly #delivered = new BoundedMap<string, true>(MAX_REMEMBERED);

  get size(): number {
    return this.#due.size;
  }

  /** How many stops wait to be pulled. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** False when the stop is known already. */
  add(kept: KeptStop, isStored: boolean): boolean {
    const { jti } = kept.stop;
    const known = this.#due.get(jti);
    if (known) known.isStored ||= isStored;
    if (known || this.#delivered.has(jti)) return false;
    this.#due.set(jti, { ...kept, isStored });
    this.#waiting.add(jti);
    return true;
  }

  /** @param open what the stop says apart from ids */
  pull(max: number, open: (about: string, channel: string) => Omit<StopRecord, 'jti' | 'streamId'>): StopRecord[] {
    const pulled: StopRecord[] = [];
    for (const jti of this.#waiting) {
      if (pulled.length >= max) break;
      this.#waiting.delete(jti);
      const due = this.#due.get(jti);
      if (!due) continue;
      const { streamId, startJti, about } = due.stop;
      pulled.push({ ...open(about, due.channel), jti, streamId, startJti });
    }
    return pulled;
  }

  delivered(jti: string): void {
    this.#due.delete(jti);
    this.#waiting.delete(jti);
    this.#delivered.set(jti, true);
  }

  has(jti: string): boolean {
    return this.#due.has(jti);
  }

  wasDelivered(jti: string): boolean {
    return this.#delivered.has(jti);
  }

  /** Stops that the registry may not have. */
  unstored(): readonly KeptStop[] {
    return [...this.#due.values()].filter(({ isStored }) => !isStored);
  }

  stored(stops: readonly KeptStop[]): void {
    for (const { stop } of stops) {
      const due = this.#due.get(stop.jti);
      if (due) due.isStored = true;
    }
  }

  /** The registry has lost what it had, or has it in another form. */
  doubt(): void {
    for (const due of this.#due.values()) due.isStored = false;
  }

  /** Changes what stops say apart from ids, in the form in which it is stored. */
  rewrite(about: (text: string, channel: string) => string): void {
    for (const [jti, due] of this.#due) {
      this.#due.set(jti, { ...due, stop: { ...due.stop, about: about(due.stop.about, due.channel) }, isStored: false });
    }
  }
}
