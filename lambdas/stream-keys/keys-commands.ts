import type { ChannelPolicy } from '../shared/channel-policy';
import { sealTargets } from '../shared/forward-targets';
import type { ActiveStream, ChannelRecord } from '../shared/channel-record';
import type { SecretVersions } from '../shared/secret-versions';
import { shownForwardUrl } from '../../service/outputs/policy/forward-url';
import type { SessionRecord } from '../shared/session-record';
import { generateStreamKey, hashStreamKey } from '../shared/stream-key-hash';
import type { Attributes, KeyStore } from './key-store';
import type { KeysRequest, PolicyChanges } from './keys-request';

/** The parts of a channel that may be shown: everything but hashes, and the keys of targets. */
export interface ChannelView {
  readonly channel: string;
  readonly policy: ChannelPolicy;
  readonly live?: ActiveStream | undefined;
  /** Seconds since the epoch until which the key before the last rotation still works. */
  readonly previousKeyValidUntil?: number | undefined;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export type KeysResult =
  /** `key` is shown here and never again. */
  | { readonly channel: string; readonly key: string; readonly previousKeyValidUntil?: number | undefined }
  | { readonly channel: string; readonly done: 'set' | 'enable' | 'disable' | 'release' | 'delete' }
  | ChannelView
  | { readonly channels: readonly ChannelView[] }
  | { readonly channel: string; readonly sessions: readonly SessionRecord[] };

export class ChannelNotFound extends Error {
  override readonly name = 'ChannelNotFound';

  constructor(readonly channel: string) {
    super(`there is no channel ${channel}`);
  }
}

export class ChannelExists extends Error {
  override readonly name = 'ChannelExists';

  constructor(readonly channel: string) {
    super(`channel ${channel} exists already; use rotate for a new key, set for another policy`);
  }
}

export interface KeysDependencies {
  readonly store: KeyStore;
  /** Only the current version: new hashes are never made with an old pepper. */
  readonly pepper: SecretVersions;
}

function viewOf(record: ChannelRecord, nowSeconds: number): ChannelView {
  const validUntil = record.previousKey?.validUntil ?? 0;
  return {
    channel: record.channel,
    policy: record.policy,
    live: record.active,
    previousKeyValidUntil: validUntil > nowSeconds ? validUntil : undefined,
    createdAt: record.createdAt,
    updatedAt: record.updatedAt,
  };
}

function cleared(fields: readonly (keyof PolicyChanges)[]): Attributes {
  const names = fields.flatMap((field) => (field === 'forward' ? [field, 'sealedForward'] : [field]));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/**
 * Carries out one request against the keys table.
 * @throws ChannelNotFound, ChannelExists, or an error of DynamoDB or Secrets Manager.
 */
export async function runKeysCommand(request: KeysRequest, dependencies: KeysDependencies): Promise<KeysResult> {
  const { store } = dependencies;
  const now = new Date();
  const nowSeconds = Math.floor(now.getTime() / 1000);
  if (request.command === 'list') {
    return { channels: (await store.channels()).map((record) => viewOf(record, nowSeconds)) };
  }
  const { command, channel } = request;
  const found = (changed: boolean): void => {
    if (!changed) throw new ChannelNotFound(channel);
  };
  const hashOf = async (key: string): Promise<string> => {
    const [pepper = ''] = await dependencies.pepper.values();
    return hashStreamKey(pepper, channel, key);
  };
  /** As the record has it: addresses of targets twice, as they may be shown and encrypted. */
  const stored = async ({ forward, ...policy }: PolicyChanges): Promise<Attributes> => {
    if (forward === undefined) return policy;
    const [pepper = ''] = forward.length === 0 ? [] : await dependencies.pepper.values();
    const sealedForward = forward.length === 0 ? undefined : sealTargets(pepper, channel, forward);
    return { ...policy, forward: forward.map(shownForwardUrl), sealedForward };
  };

  switch (command) {
    case 'create': {
      const key = request.key ?? generateStreamKey();
      const attributes = { keyHash: await hashOf(key), enabled: request.enabled, ...(await stored(request.policy)) };
      if (!(await store.create(channel, attributes, now))) throw new ChannelExists(channel);
      return { channel, key };
    }
    case 'rotate': {
      const key = generateStreamKey();
      const validUntil = request.overlapSeconds > 0 ? nowSeconds + request.overlapSeconds : undefined;
      const previous = validUntil === undefined ? { previousKeyHash: undefined } : {};
      const set = { keyHash: await hashOf(key), previousKeyValidUntil: validUntil, ...previous };
      const setFrom: Record<string, string> = validUntil === undefined ? {} : { previousKeyHash: '#keyHash' };
      found(await store.change(channel, set, now, setFrom));
      return { channel, key, previousKeyValidUntil: validUntil };
    }
    case 'set':
      found(await store.change(channel, { ...(await stored(request.policy)), ...cleared(request.clear) }, now));
      break;
    case 'enable':
    case 'disable':
      found(await store.change(channel, { enabled: command === 'enable' }, now));
      break;
    case 'release':
      found(await store.release(channel, now));
      break;
    case 'delete':
      found(await store.delete(channel));
      break;
    case 'show': {
      const record = await store.get(channel);
      if (record === undefined) throw new ChannelNotFound(channel);
      return viewOf(record, nowSeconds);
    }
    case 'sessions':
      return { channel, sessions: await store.sessions(channel) };
  }
  return { channel, done: command };
}
