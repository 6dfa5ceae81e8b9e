import { readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** Seconds that a CPU core has not been idle, since the machine started. */
export function busyCoreSeconds(core: number): number {
  const line = readFileSync('/proc/stat', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`cpu${core} `));
  const fields = line?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields;
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}
