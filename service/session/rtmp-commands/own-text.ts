/**
 * Copies the text. A part of a longer string keeps the whole string in memory: names and descriptions, which are kept
 * as long as the connection, are cut out of text that a client may make 64 KB long.
 */
export function ownText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
