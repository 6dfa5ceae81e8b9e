/** A part of the service that reads what others have written. */
export interface Target {
  readonly name: string;
  /** What it reads, for `--help`. */
  readonly reads: string;
  /** Valid inputs to begin with, in addition to the files of its corpus. */
  seeds(): readonly Buffer[];
  /** Reads an input, which it may change. @throws whatever it finds wrong */
  run(input: Buffer): void | Promise<void>;
  /** Longest input (bytes); default 1024. */
  readonly maxLength?: number;
  /** How many times as long as that of others its execution takes; short runs have so many fewer. Default 1. */
  readonly cost?: number;
  /** Most steps for an input: `base`, and `perByte` for each of its bytes. */
  readonly steps?: { readonly base: number; readonly perByte: number };
}

/** Something that must hold for every input does not. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** @throws Violation unless the condition holds */
export function must(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Violation(what);
}
