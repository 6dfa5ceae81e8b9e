import { must, type Target } from '../engine/target';

/** A defect behind five bytes, none of which stands in the code as it is. */
export const target: Target = {
  name: 'magic',
  reads: 'a defect behind five bytes',
  seeds: () => [Buffer.alloc(12)],
  run(bytes) {
    let right = 0;
    for (let i = 0; i < 5; i += 1) {
      if (bytes[i] !== ((i * 53) ^ 0x9d)) break;
      right += 1;
      if (right === 4) must(bytes.length > 0, 'unreachable');
    }
    must(right < 5, 'planted: five bytes');
  },
};
