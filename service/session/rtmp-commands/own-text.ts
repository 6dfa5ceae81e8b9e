/**
 * The text in a string of its own. A part of a longer string keeps all of that in memory as long as it lives: names and
 * descriptions that are kept for a connection's life are cut out of what a client may make 64 KB long.
 */
export function ownText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
