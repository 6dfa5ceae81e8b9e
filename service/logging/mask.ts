/** Text longer than this is cut in a log line; nothing a client sends can fill the disk with one line. */
const MAX_LOGGED_CHARACTERS = 1024;

/** Keys shorter than this give nothing away: two characters would be too large a part of them. */
const SHORTEST_KEY_SHOWN = 6;

/**
 * Characters that could end a line, move the cursor, colour a terminal or reorder what is read: C0 and C1 controls,
 * DEL, the Unicode line ends and the bidirectional marks.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

const KEY_FIELD = /^(?:stream|play)?-?key$/i;
const SECRET_FIELD = /secret|password|token|jwt|authorization|rtmp-event/i;
/** What maskKey leaves; masking it again would lose the two characters. */
const ALREADY_MASKED = /^.{0,2}\*{3}$/;

/** What may be shown of a stream key: its first two characters, or none of a short one. */
export function maskKey(key: string): string {
  return key.length < SHORTEST_KEY_SHOWN ? '***' : `${escapeForLog(key.slice(0, 2))}***`;
}

/**
 * The value as it may be logged under this name: stream keys masked, secrets hidden, everything else unchanged. The
 * last line of defence: callers mask what they know to be a key.
 */
export function maskField(name: string, value: string): string {
  if (SECRET_FIELD.test(name)) return '***';
  return KEY_FIELD.test(name) && !ALREADY_MASKED.test(value) ? maskKey(value) : value;
}

/**
 * Text from the network made fit for one log line: control characters become `\n`, `\r`, `\t` or `\uXXXX`, and text
 * over 1024 characters is cut. A client can thus neither forge a line nor send escape codes to a terminal.
 */
export function escapeForLog(text: string): string {
  return escapeUnsafe(cutForLog(text).replaceAll('\\', '\\\\'));
}

/** The first 1024 characters, with a note of how many there were when some are missing. */
export function cutForLog(text: string): string {
  if (text.length <= MAX_LOGGED_CHARACTERS) return text;
  return `${text.slice(0, MAX_LOGGED_CHARACTERS)}… (${text.length} characters)`;
}

/** Unsafe characters as JSON escapes, so that it may also run over finished JSON without changing its meaning. */
export function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
