import { readFileSync } from 'node:fs';
import { describeError } from '../../service/errors/error-text';

/** Unusable settings of a handler; the message lists every bad variable, so that one deploy can correct all of them. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';

  constructor(readonly faults: readonly string[]) {
    super(`Bad environment: ${faults.join('; ')}`);
  }
}

export type EnvironmentVariables = Readonly<Record<string, string | undefined>>;

/** Bounds of a whole number; without `fallback` the variable is required. */
export interface IntegerRule {
  readonly min: number;
  readonly max: number;
  readonly fallback?: number;
}

/**
 * Typed reader of a handler's environment. Faults are collected, not thrown: read everything, then call
 * `assertValid()` before using any value. An empty variable counts as unset.
 */
export class LambdaEnv {
  readonly #faults: string[] = [];

  constructor(private readonly variables: EnvironmentVariables) {}

  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined) this.#faults.push(`${name} is not set`);
    return value ?? '';
  }

  optional(name: string): string | undefined {
    const value = this.variables[name]?.trim();
    return value === '' ? undefined : value;
  }

  integer(name: string, rule: IntegerRule): number {
    const text = this.optional(name);
    if (text === undefined) {
      if (rule.fallback === undefined) this.#faults.push(`${name} is not set`);
      return rule.fallback ?? rule.min;
    }
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= rule.min && value <= rule.max) return value;
    this.#faults.push(`${name} is "${text}", must be a whole number from ${rule.min} to ${rule.max}`);
    return rule.min;
  }

  choice<T extends string>(name: string, allowed: readonly [T, ...T[]], fallback?: T): T {
    const text = this.optional(name);
    if (text === undefined) {
      if (fallback === undefined) this.#faults.push(`${name} is not set`);
      return fallback ?? allowed[0];
    }
    const value = allowed.find((candidate) => candidate === text);
    if (value === undefined) this.#faults.push(`${name} is "${text}", must be one of ${allowed.join(', ')}`);
    return value ?? allowed[0];
  }

  /** `YES` or `NO` (or `TRUE` or `FALSE`) in any case, as in the service's own settings. */
  flag(name: string, fallback: boolean): boolean {
    const text = this.optional(name);
    const value = text?.toUpperCase();
    if (value === undefined) return fallback;
    if (value === 'YES' || value === 'TRUE') return true;
    if (value !== 'NO' && value !== 'FALSE') this.#faults.push(`${name} is "${text}", must be YES or NO`);
    return false;
  }

  httpUrl(name: string): URL {
    const text = this.required(name);
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
    if (text !== '') this.#faults.push(`${name} is "${text}", must be an http or https URL`);
    return new URL('http://invalid.invalid/');
  }

  /** The text of the file that the variable names. */
  optionalFile(name: string): string | undefined {
    const path = this.optional(name);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      this.#faults.push(`${name} is "${path}", which cannot be read (${describeError(error)})`);
      return undefined;
    }
  }

  /** Adds a fault that only the caller can see, such as JSON of the wrong shape. */
  fault(message: string): void {
    this.#faults.push(message);
  }

  /** @throws EnvironmentError when anything read so far was missing or unusable. */
  assertValid(): void {
    if (this.#faults.length > 0) throw new EnvironmentError([...this.#faults]);
  }
}
