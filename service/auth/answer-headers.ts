import { OUTPUT_HEADERS } from '../outputs/policy/read-policy';

/** The headers that are used from an answer of the callback handler, or of AWS in its place. */
const NAMES: ReadonlySet<string> = new Set([
  'stream-id',
  'play-key',
  'max-duration-seconds',
  'max-bitrate-kbps',
  ...OUTPUT_HEADERS,
  'x-amzn-errortype',
]);

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The headers that are used, by lower-case name, each with its first value. `rawHeaders` has names and values in turn.
 * Read from these and into a Map because `headersDistinct` of Node.js before 20.20.2, 22.22.2 and 24.14.1 throws when a
 * header is called `__proto__` (CVE-2026-21710).
 */
export function readAnswerHeaders(rawHeaders: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    if (NAMES.has(name) && !headers.has(name)) headers.set(name, decodeHeader(rawHeaders[at + 1]!));
  }
  return headers;
}

/** Node reads header bytes as Latin-1, but a stream id in UTF-8 must return to the handler as it was sent. */
function decodeHeader(value: string): string {
  try {
    return utf8.decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}
