import { Input, pieces } from '../engine/input';
import { must, type Target } from '../engine/target';

/** A reader that loses a byte when a piece ends behind a length field. */
export const target: Target = {
  name: 'pieces',
  reads: 'a reader that depends on how its bytes are cut',
  seeds: () => [Buffer.from([9, 9, 3, 1, 2, 3, 2, 8, 9])],
  run(data) {
    const bytes = data.subarray(2);
    const whole = read([bytes]);
    must(whole === read(pieces(bytes, new Input(data.subarray(0, 2)))), 'planted: pieces are read in another way');
  },
};

function read(parts: readonly Buffer[]): string {
  const found: number[] = [];
  let left = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 1) {
      if (left === 0) {
        left = part[at]! % 8;
        if (left === 5 && at === part.length - 1) left = 4;
      } else {
        found.push(part[at]!);
        left -= 1;
      }
    }
  }
  return `${found.join()} ${left}`;
}
