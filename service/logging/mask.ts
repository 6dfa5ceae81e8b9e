/** Text longer than this is cut in a log line, so that no client can fill the disk with one line. */
const MAX_LOGGED_CHARACTERS = 1024;

/** Keys shorter than this are masked completely: two characters would be too large a part of them. */
const SHORTEST_KEY_SHOWN = 6;

/**
 * Characters that could end a line, move the cursor, colour a terminal or reorder what is read: C0 and C1 controls,
 * DEL, the Unicode line ends and the bidirectional marks.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

const KEY_FIELD = /^(?:stream|play)?-?key$/i;
const SECRET_FIELD = /secret|password|token|jwt|authorization|rtmp-event/i;
/** The result of maskKey, which is not masked again: that would lose the two characters. */
const ALREADY_MASKED = /^.{0,2}\*{3}$/;

/** The part of a stream key that may be shown: its first two characters, or none of a short key. */
export function maskKey(key: string): string {
  return key.length < SHORTEST_KEY_SHOWN ? '***' : `${escapeForLog(key.slice(0, 2))}***`;
}

/**
 * The value as it may be logged under this name: stream keys masked, secrets hidden, everything else unchanged. This is
 * the last line of defence: callers mask values that they know to be keys.
 */
export function maskField(name: string, value: string): string {
  if (SECRET_FIELD.test(name)) return '***';
  return KEY_FIELD.test(name) && !ALREADY_MASKED.test(value) ? maskKey(value) : value;
}

/**
 * Makes text from the network safe for one log line: control characters become `\n`, `\r`, `\t` or `\uXXXX`, and text
 * over 1024 characters is cut. So a client can neither forge a line nor send escape codes to a terminal.
 */
export function escapeForLog(text: string): string {
  return escapeUnsafe(cutForLog(text).replaceAll('\\', '\\\\'));
}

/** The first 1024 characters, with the full length added when some are missing. */
export function cutForLog(text: string): string {
  if (text.length <= MAX_LOGGED_CHARACTERS) return text;
  return `${text.slice(0, MAX_LOGGED_CHARACTERS)}… (${text.length} characters)`;
}

/** Replaces unsafe characters by JSON escapes; finished JSON keeps its meaning. */
export function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
