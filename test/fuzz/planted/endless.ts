import type { Target } from '../engine/target';

/** A loop that does not end when a length is 0. */
export const target: Target = {
  name: 'endless',
  reads: 'a loop without an end',
  seeds: () => [Buffer.from([2, 1, 1, 2, 1])],
  run(bytes) {
    for (let at = 0; at < bytes.length;) {
      const length = bytes[at]!;
      at += length === 0 && at > 2 ? 0 : length + 1;
    }
  },
};
