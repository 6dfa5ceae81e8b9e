import type { Target } from '../engine/target';

/** Work that grows with the square of an input's length. */
export const target: Target = {
  name: 'quadratic',
  reads: 'quadratic work',
  seeds: () => [Buffer.from('a,b,c')],
  steps: { base: 1_000, perByte: 20 },
  run(bytes) {
    let equal = 0;
    for (let i = 0; i < bytes.length; i += 1) {
      if (bytes[i] !== 0x2c) continue;
      for (let j = 0; j < bytes.length; j += 1) if (bytes[j] === 0x2c) equal += 1;
    }
    if (equal < 0) throw new Error('never');
  },
};
