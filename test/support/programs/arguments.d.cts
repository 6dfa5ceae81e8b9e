/** The command cannot be carried out as it was given: one line says why, and the exit code is 2. */
export class WrongArgument extends Error {}

/** The number above 0 that an option or a variable gives. Throws a WrongArgument for any other text. */
export function aboveZero(name: string, text: string): number;

/** A whole number above 0. */
export function count(name: string, text: string): number;

/** A whole number from 0, of 31 bits. */
export function seed(name: string, text: string): number;

/** A part of a whole: from 0, below 1. */
export function share(name: string, text: string): number;

/** The path, if there is a file. */
export function existingFile(name: string, path: string): string;

/** 2 if what the command was told is wrong, 1 for all else: a proof's 1 may mean that it found something. */
export function exitCodeOf(error: unknown): 1 | 2;
