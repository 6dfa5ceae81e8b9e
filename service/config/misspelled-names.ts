import type { Environment } from './environment';

/** Shorter names are similar to too many others. */
const MIN_LENGTH = 6;

/** From this length on, two edits are a typing error rather than another word. */
const LONG_NAME = 10;

/** Settings of other programs that differ in one letter from a setting of this server. */
const OF_OTHER_PROGRAMS: ReadonlySet<string> = new Set([
  ...['HTTPS_PORT', 'RTP_PORT', 'RTSP_PORT', 'SQL_PORT', 'SSH_PORT'],
  ...['REDIS_USER', 'SSL_KEY_FILE', 'CONTROL_URL'],
]);

/**
 * Warns of unknown variables whose name is similar to a known one: a misspelled CALLBACK_URL would let everybody
 * publish. If the known variable is set too, the unknown one counts as another program's.
 */
export function warnOfMisspelledNames(env: Environment): void {
  for (const name of env.unknownNames()) {
    const upperCase = name.toUpperCase();
    if (name.length < MIN_LENGTH || OF_OTHER_PROGRAMS.has(upperCase)) continue;
    const meant = nearest(upperCase, env.knownNames());
    // The value is read last, so that tests which record the variables read do not record another program's.
    if (meant !== undefined && env.text(meant) === undefined && env.isSet(name))
      env.warn(`${name} is no setting: is ${meant} meant?`);
  }
}

/** The known name that differs from this one by a typing error; undefined: none does. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let found: string | undefined;
  let fewest = Infinity;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) > 2) continue;
    const edits = editsBetween(name, candidate);
    if (edits > (Math.min(name.length, candidate.length) < LONG_NAME ? 1 : 2) || edits >= fewest) continue;
    found = candidate;
    fewest = edits;
  }
  return found;
}

/** Counts letters added, omitted or replaced, and neighbours swapped, each as one edit. */
function editsBetween(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, column) => column);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1];
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      current[column] = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : 1),
        swapped ? beforeLast[column - 2]! + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[other.length]!;
}
