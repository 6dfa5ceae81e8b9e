import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { messageOf } from '../../errors/error-text';
import type { Logger } from '../../logging/logger';
import type { FleetKeys } from '../fleet-keys';
import type { StopRecord } from '../../auth/stop-record';
import { readStop } from './reply-records';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Writes and reads records of publishes. Readers of Redis must not learn stream keys: a record's key, and the query that
 * came with it, are encrypted. Without a secret, there is no callback that needs them, and they are left out.
 */
export class RecordSeal {
  readonly #keys: FleetKeys;
  readonly #log: Logger;

  constructor(keys: FleetKeys, log: Logger) {
    this.#keys = keys;
    this.#log = log;
  }

  /** The record as it is stored in the registry. */
  close({ key, query, ...rest }: StopRecord): string {
    const { current } = this.#keys;
    if (current === undefined) return JSON.stringify(rest);
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, current.records, iv).setAAD(bound(rest));
    const text = Buffer.concat([cipher.update(JSON.stringify([key, query]), 'utf8'), cipher.final()]);
    const sealed = Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url');
    return JSON.stringify({ ...rest, sealed: `${current.id}.${sealed}` });
  }

  /** Reads a record of the registry; without key and query when they cannot be decrypted. */
  open(json: string): StopRecord {
    const { sealed, ...record } = readStop(json);
    if (sealed === '') return record;
    const [id, text = ''] = sealed.split('.', 2);
    const keys = this.#keys.all.find((each) => each.id === id);
    try {
      if (keys === undefined) throw new Error('sealed under a secret that this node does not know');
      const [key, query] = unseal(keys.records, Buffer.from(text, 'base64url'), bound(record));
      return { ...record, key, query };
    } catch (error) {
      const reason = messageOf(error);
      this.#log.warning('The key of a stream cannot be read, its stop goes without', {
        channel: record.channel,
        reason,
      });
      return record;
    }
  }
}

function unseal(key: Buffer, bytes: Buffer, aad: Buffer): [string, string] {
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES }).setAAD(aad);
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
  const [first, second] = JSON.parse(text.toString('utf8')) as unknown[];
  return [String(first), String(second)];
}

/** Binds a sealed text to its record, so that it cannot be read in another stream's record. */
function bound({ jti, channel }: Pick<StopRecord, 'jti' | 'channel'>): Buffer {
  return Buffer.from(`${jti} ${channel}`);
}
