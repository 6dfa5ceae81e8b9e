import { createHmac } from 'node:crypto';

/** Characters of the hash: 40 bits, so that two targets of one stream do not get one id. */
const HASH_LENGTH = 10;

/**
 * The id of the forward to an address: the same whenever this node forwards to it, also after a restart of this program.
 * On other nodes it is another one, which names nothing here.
 *
 * @param key known to this node alone, so that nobody can try addresses until one gives the id
 */
export function forwardId(key: Uint8Array, url: string): string {
  const hash = createHmac('sha256', key).update('forward ').update(url).digest('hex');
  return `forward-${hash.slice(0, HASH_LENGTH)}`;
}
