import { isIP } from 'node:net';
import { AddressRuleError, AddressRules } from '../addresses/address-rules';
import { ConfigError, type ConfigFault } from './config-error';

/** Reads a file whose path came from a variable; throws as `fs.readFileSync` does. */
export type ReadFile = (path: string) => Buffer;

export type EnvironmentValues = Readonly<Record<string, string | undefined>>;

/** Names of variables whose value is never shown, not even in the message about a fault. */
const SECRET_NAME = /(?:SECRET|PASSWORD|TOKEN)$|^FORWARD_URLS$/;

/** A variable and its value, as it may be shown. */
export interface Setting {
  readonly name: string;
  /** Secrets are hidden; undefined: not set, and without a default that is a value. */
  readonly value: string | undefined;
  readonly isDefault: boolean;
}

const MAX_SHOWN_CHARACTERS = 200;

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i;

/**
 * Typed readers over environment variables. A value that cannot be used is noted and the reader returns the default,
 * so that all faults are known before `throwIfFaulty`. A variable that is set but empty counts as not set.
 */
export class Environment {
  readonly #faults: ConfigFault[] = [];
  readonly #warnings: string[] = [];
  readonly #known = new Set<string>();
  /** Defaults that were used, by name. */
  readonly #defaults = new Map<string, string>();
  readonly #values: EnvironmentValues;

  constructor(values: EnvironmentValues) {
    this.#values = values;
  }

  /** Lines for the log about settings with which the service can start. */
  get warnings(): readonly string[] {
    return this.#warnings;
  }

  /** Names of variables that were read or declared. */
  knownNames(): ReadonlySet<string> {
    return this.#known;
  }

  /** Every known variable with its value or default, by name. */
  settings(): Setting[] {
    return [...this.#known].sort().map((name) => {
      const isDefault = this.text(name) === undefined;
      const given = SECRET_NAME.test(name) ? '(hidden)' : showText(this.text(name) ?? '');
      return { name, value: isDefault ? this.#defaults.get(name) : given, isDefault };
    });
  }

  /** Names of variables that are set, even to an empty value, but not known. */
  unknownNames(): readonly string[] {
    return Object.keys(this.#values).filter((name) => !this.#known.has(name));
  }

  /** Whether an unknown variable has a value. */
  isSet(name: string): boolean {
    return Boolean(this.#values[name]);
  }

  /** Declares variables that are only read when other settings need them. */
  knows(...names: readonly string[]): void {
    for (const name of names) this.#known.add(name);
  }

  text(name: string): string | undefined {
    this.#known.add(name);
    const value = this.#values[name];
    return value === '' ? undefined : value;
  }

  /** Decimal digits only: `1e3`, `0x10` and `10s` are faults, not guesses. */
  integer(name: string, limits: { readonly min: number; readonly max: number; readonly fallback: number }): number {
    this.#defaults.set(name, String(limits.fallback));
    return this.optionalInteger(name, limits) ?? limits.fallback;
  }

  optionalInteger(name: string, limits: { readonly min: number; readonly max: number }): number | undefined {
    const value = this.text(name)?.trim();
    if (value === undefined) return undefined;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : NaN;
    if (number >= limits.min && number <= limits.max) return number;
    this.fault(name, `a whole number from ${limits.min} to ${limits.max}`);
    return undefined;
  }

  /** A YES/NO variable: YES or TRUE, NO or FALSE, in any case. `1` or `on` is a fault, not a guess. */
  flag(name: string, fallback: boolean, allowed = 'YES or NO (or TRUE or FALSE), in any case'): boolean {
    this.#defaults.set(name, fallback ? 'YES' : 'NO');
    const value = this.text(name)?.trim().toUpperCase();
    if (value === undefined) return fallback;
    if (value === 'YES' || value === 'TRUE') return true;
    if (value === 'NO' || value === 'FALSE') return false;
    this.fault(name, allowed);
    return fallback;
  }

  choice<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    this.#defaults.set(name, fallback);
    const value = this.text(name);
    if (value === undefined) return fallback;
    const chosen = allowed.find((candidate) => candidate === value);
    if (chosen === undefined) this.fault(name, allowed.join(' or '));
    return chosen ?? fallback;
  }

  /** An IP address or a host name. */
  host(name: string): string | undefined {
    const value = this.text(name)?.trim();
    if (value === undefined || isIP(value) !== 0) return value;
    const lastLabel = value.replace(/\.$/, '').split('.').at(-1) ?? '';
    if (HOST_NAME.test(value) && !/^\d+$/.test(lastLabel)) return value;
    this.fault(name, 'an IP address or a host name');
    return undefined;
  }

  /** A comma list of IPs, CIDR ranges and `*`; empty when not set. Every bad entry is named. */
  addresses(name: string): AddressRules {
    const entries = (this.text(name) ?? '').split(',').map((entry) => entry.trim());
    const given = entries.filter((entry) => entry !== '');
    const bad = given.filter((entry) => !isAddressRule(entry));
    if (bad.length > 0) {
      const named = bad.map((entry) => showText(entry)).join(', ');
      this.fault(
        name,
        'IP addresses and CIDR ranges, IPv4 or IPv6, or *, separated by commas',
        `does not fit: ${named}`,
      );
    }
    return AddressRules.parse(bad.length > 0 ? [] : given);
  }

  /** Notes that a variable cannot be used: its value, the reason if it is not obvious, and what is allowed. */
  fault(name: string, allowed: string, reason?: string): void {
    const held = this.text(name) === undefined ? 'is not set' : `is ${this.#shown(name)}`;
    this.#faults.push({
      variable: name,
      problem: `${held}${reason === undefined ? '' : ` (${reason})`}; allowed: ${allowed}`,
    });
  }

  warn(warning: string): void {
    this.#warnings.push(warning);
  }

  /** @throws ConfigError with every fault noted so far */
  throwIfFaulty(): void {
    if (this.#faults.length > 0) throw new ConfigError(this.#faults);
  }

  #shown(name: string): string {
    return SECRET_NAME.test(name) ? 'set (its value is not shown)' : showText(this.text(name) ?? '');
  }
}

function isAddressRule(entry: string): boolean {
  try {
    AddressRules.parse([entry]);
    return true;
  } catch (error) {
    if (error instanceof AddressRuleError) return false;
    throw error;
  }
}

/** Quotes and cuts a text, and hides the user and password of a URL such as `https://user:password@host`. */
function showText(text: string): string {
  const safe = text.replace(/\/\/[^/\s]*@/, '//***@');
  return JSON.stringify(safe.length > MAX_SHOWN_CHARACTERS ? `${safe.slice(0, MAX_SHOWN_CHARACTERS)}…` : safe);
}
