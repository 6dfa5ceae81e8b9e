import type { ChannelRecord } from '../shared/channel-record';
import { hashesEqual, hashStreamKey } from '../shared/stream-key-hash';

export interface KeyCheck {
  /** Which of the channel's keys was presented. */
  readonly matched: 'current' | 'previous' | 'none';
  /** The hash to store instead, when the stored hash was made with an older pepper. */
  readonly renewedHash?: string | undefined;
}

/** Replaces missing hashes; no HMAC-SHA-256 in hex equals it. */
const NO_HASH = '-'.repeat(64);

/**
 * Compares a presented key with a channel's hashes under every live pepper, newest first. An unknown channel takes
 * exactly as much work as a known channel, so that the time does not reveal which channels exist.
 */
export function checkKey(
  record: ChannelRecord | undefined,
  channel: string,
  key: string,
  peppers: readonly string[],
): KeyCheck {
  const current = record?.keyHash ?? NO_HASH;
  const previous = record?.previousKey?.hash ?? NO_HASH;
  const hashes = peppers.map((pepper) => hashStreamKey(pepper, channel, key));
  const currentMatches = hashes.map((hash) => hashesEqual(hash, current));
  const previousMatches = hashes.map((hash) => hashesEqual(hash, previous));
  if (currentMatches.includes(true)) {
    return { matched: 'current', renewedHash: currentMatches[0] === true ? undefined : hashes[0] };
  }
  return { matched: previousMatches.includes(true) ? 'previous' : 'none' };
}
