import { join } from 'node:path';

const MB = 1024 * 1024;
/**
 * S3 takes parts of 5 MB or more, and numbers up to 10,000: the parts of long recordings grow, and a file ends while
 * there is still room for 400 parts (80 GB), because the next one begins only with a keyframe.
 */
export const LARGEST_FILE_BYTES = 800e9;
/** A bucket's lifecycle rule may remove uploads that were begun long ago: a file ends after this time (ms). */
export const LONGEST_FILE_MS = 24 * 3_600_000;

const FIRST_PARTS_BYTES = 8 * MB;
const PARTS_OF_A_SIZE = 500;

/** Of a file on its way to S3: a piece on the local disk, which becomes a part of the upload with the same number. */
export interface Segment {
  /** From 1. */
  readonly number: number;
  readonly path: string;
  /** Where it begins in the file. */
  readonly start: number;
  readonly bytes: number;
}

/** From this size on, the segment with that number is complete. In 10,000 parts there is room for 880 GB. */
export function segmentBytes(number: number): number {
  return FIRST_PARTS_BYTES * (1 + Math.floor((number - 1) / PARTS_OF_A_SIZE));
}

/** Sorts by file, then by number. */
export function segmentPath(folder: string, file: number, number: number): string {
  return join(folder, `${String(file).padStart(5, '0')}-${String(number).padStart(5, '0')}`);
}

/** The numbers of file and segment in a name that `segmentPath` made; undefined for other names. */
export function readSegmentName(name: string): { readonly file: number; readonly number: number } | undefined {
  const match = /^(\d{5})-(\d{5})$/.exec(name);
  return match === null ? undefined : { file: Number(match[1]), number: Number(match[2]) };
}
