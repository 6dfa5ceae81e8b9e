import type { KeysDependencies } from '../stream-keys/keys-commands';
import { hashStreamKey } from '../shared/stream-key-hash';
import type { CanaryKey } from './canary-key';

/**
 * Writes the canary's key into the keys table if it is missing there: after the first deploy, after the secret was
 * created again, after a key was put into the secret by hand. The channel is the canary's own.
 */
export async function registerKey({ channel, key }: CanaryKey, { store, pepper }: KeysDependencies): Promise<void> {
  const [currentPepper = ''] = await pepper.values();
  const keyHash = hashStreamKey(currentPepper, channel, key);
  const record = await store.get(channel);
  if (record?.keyHash === keyHash) return;
  const now = new Date();
  const created = record === undefined && (await store.create(channel, { keyHash, enabled: true }, now));
  if (!created) await store.change(channel, { keyHash }, now);
}
