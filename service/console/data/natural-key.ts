const DIGITS = 12;

/** Text that compares by `<` as people sort names: without regard to case, and numbers by value. */
export function naturalKey(name: string): string {
  return name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(DIGITS, '0'));
}
