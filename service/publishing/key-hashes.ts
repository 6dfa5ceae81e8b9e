/**
 * Whether two hashes are of one key. A hash may be several, separated by spaces, under different secrets: nodes that
 * have one secret in common agree while the secret changes.
 */
export function isSameKey(one: string, other: string | undefined): boolean {
  if (one === other) return true;
  if (other === undefined) return false;
  const hashes = other.split(' ');
  return one.split(' ').some((hash) => hashes.includes(hash));
}
