const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** Seconds as the two largest units: `2d 3h`, `4m 10s`, `0s`. */
export function describeSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const first = UNITS.findIndex(([, size]) => whole >= size);
  if (first < 0) return '0s';
  const parts: string[] = [];
  let rest = whole;
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.join(' ');
}

/** Reads `90`, `90s`, `15m`, `2h` or `1d` as seconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, digits = '', unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  if (digits === '') return undefined;
  const [, size = 1] = UNITS.find(([name]) => name === unit) ?? [];
  return Number(digits) * size;
}
