import { ProtocolError } from '../protocol-errors';
import type { AmfBudget, AmfCost } from './amf-budget';
import type { AmfValue } from './amf-value';

interface Slot {
  readonly value: AmfValue;
  cost?: AmfCost;
}

/**
 * The containers of one message that later values may refer to by number, in the order in which they began.
 * A reference to a container that is still being read is refused: the value would contain itself.
 */
export class AmfReferences {
  readonly #budget: AmfBudget;
  readonly #slots: Slot[] = [];

  constructor(budget: AmfBudget) {
    this.#budget = budget;
  }

  /** Gives `value` the next number, then lets `fill` read its contents one level deeper. */
  define<T extends AmfValue>(value: T, fill: (value: T) => void): T {
    const slot: Slot = { value };
    this.#slots.push(slot);
    slot.cost = this.#budget.nested(() => fill(value));
    return value;
  }

  /** Gives a value without parts the next number; a reference to it repeats `textBytes`. */
  defineLeaf<T extends AmfValue>(value: T, textBytes: number): T {
    this.#slots.push({ value, cost: { entries: 0, textBytes, levels: 0 } });
    return value;
  }

  get(index: number): AmfValue {
    const slot = this.#slots[index];
    if (!slot?.cost)
      throw new ProtocolError('amf_bad_reference', `AMF reference to value ${index}, which is not there`);
    this.#budget.repeat(slot.cost);
    return slot.value;
  }
}
