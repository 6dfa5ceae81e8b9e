import type { History } from '../data/history';

const WIDTH = 96;
const HEIGHT = 24;

/**
 * The last minutes of a figure as a line. It begins at zero, so that only a change that matters looks like one.
 *
 * @param length measurements that fill the width
 */
export function Sparkline({ history, length }: { readonly history: History; readonly length: number }) {
  return (
    <svg class="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="base" d={`M0 ${HEIGHT - 1}H${WIDTH}`} />
      <path d={sparkPath(history, length)} />
    </svg>
  );
}

/** The newest measurement is at the right edge. */
function sparkPath(history: History, length: number): string {
  let highest = 1;
  history.forEach((value) => (highest = Math.max(highest, value || 0)));
  const step = WIDTH / (length - 1);
  let x = WIDTH - (history.size - 1) * step;
  let path = '';
  let isBroken = true;
  history.forEach((value) => {
    if (Number.isNaN(value)) {
      isBroken = true;
    } else {
      const y = HEIGHT - 1.5 - (value / highest) * (HEIGHT - 5);
      path += `${isBroken ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
      isBroken = false;
    }
    x += step;
  });
  return path;
}
