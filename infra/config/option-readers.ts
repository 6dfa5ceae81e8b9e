import { isIP } from 'node:net';

/** Turns one raw context value into a typed one. `-c` gives strings, cdk.json may give numbers, booleans and lists. */
export interface OptionReader<T> {
  /** What is allowed, as the end of the sentence "… must be". */
  readonly expects: string;
  /** undefined: the value cannot be used. */
  read(raw: unknown): T | undefined;
}

/** One of a fixed set of words. */
export function oneOf<const T extends string>(...allowed: readonly T[]): OptionReader<T> {
  return {
    expects: `one of ${allowed.join(', ')}`,
    read: (raw) => allowed.find((word) => word === raw),
  };
}

/** A whole number within bounds, both included. */
export function wholeNumber(min: number, max: number): OptionReader<number> {
  return {
    expects: `a whole number from ${min} to ${max}`,
    read: (raw) => {
      const value = typeof raw === 'string' && /^\d+$/.test(raw.trim()) ? Number(raw) : raw;
      return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : undefined;
    },
  };
}

/** One of a fixed set of numbers. */
export function oneOfNumbers<T extends number>(allowed: readonly T[]): OptionReader<T> {
  return {
    expects: `one of ${allowed.join(', ')}`,
    read: (raw) => allowed.find((number) => number === raw || String(number) === raw),
  };
}

/** `true`/`false`, `yes`/`no`, `on`/`off`. */
export function flag(): OptionReader<boolean> {
  return {
    expects: 'true or false',
    read: (raw) => {
      if (typeof raw === 'boolean') return raw;
      const word = typeof raw === 'string' ? raw.toLowerCase() : '';
      if (['true', 'yes', 'on'].includes(word)) return true;
      return ['false', 'no', 'off'].includes(word) ? false : undefined;
    },
  };
}

/** Text of a known form. */
export function matching(pattern: RegExp, expects: string): OptionReader<string> {
  return {
    expects,
    read: (raw) => {
      const text = typeof raw === 'number' ? String(raw) : raw;
      return typeof text === 'string' && pattern.test(text) ? text : undefined;
    },
  };
}

/** A network in CIDR form, of IPv4 alone or of either family. */
export function cidrBlock(families: 'v4' | 'v4 or v6'): OptionReader<string> {
  const addressBits = { 0: 0, 4: 32, 6: families === 'v4' ? 0 : 128 };
  return {
    expects: families === 'v4' ? 'an IPv4 CIDR such as 10.42.0.0/16' : 'an IPv4 or IPv6 CIDR',
    read: (raw) => {
      const [address = '', length = ''] = typeof raw === 'string' ? raw.split('/') : [];
      const bits = addressBits[isIP(address) as 0 | 4 | 6];
      return bits > 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits ? String(raw) : undefined;
    },
  };
}

/** An absolute http or https URL without credentials in it. */
export function httpUrl(): OptionReader<string> {
  return {
    expects: 'an http or https URL without user and password',
    read: (raw) => {
      if (typeof raw !== 'string' || !URL.canParse(raw)) return undefined;
      const { protocol, username, password } = new URL(raw);
      return ['http:', 'https:'].includes(protocol) && username === '' && password === '' ? raw : undefined;
    },
  };
}

/** One or more values: a list, or text separated by `separator`. */
export function listOf<T>(item: OptionReader<T>, separator = ','): OptionReader<readonly T[]> {
  return {
    expects: `a list (separated by "${separator}") of which each is ${item.expects}`,
    read: (raw) => {
      const parts: unknown[] = Array.isArray(raw) ? raw : typeof raw === 'string' ? splitText(raw, separator) : [raw];
      const values = parts.map((part) => item.read(part));
      const usable = values.filter((value) => value !== undefined);
      return values.length > 0 && usable.length === values.length ? usable : undefined;
    },
  };
}

function splitText(text: string, separator: string): string[] {
  return text.split(separator).map((part) => part.trim());
}
