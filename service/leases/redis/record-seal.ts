import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { messageOf } from '../../errors/error-text';
import type { Logger } from '../../logging/logger';
import type { FleetKeys } from '../fleet-keys';
import type { StopFacts } from '../life-store';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Writes and reads what the stop of a publish has to say. Readers of Redis must not learn stream keys: the key, and the
 * query that came with it, are encrypted. Without a secret, there is no callback that needs them, and they are left out.
 */
export class RecordSeal {
  readonly #keys: FleetKeys;
  readonly #log: Logger;

  constructor(keys: FleetKeys, log: Logger) {
    this.#keys = keys;
    this.#log = log;
  }

  /** The facts as they are stored in the registry. */
  close({ channel, key, query, clientIp }: StopFacts): string {
    const { current } = this.#keys;
    if (current === undefined) return JSON.stringify({ clientIp });
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, current.records, iv).setAAD(Buffer.from(channel));
    const text = Buffer.concat([cipher.update(JSON.stringify([key, query]), 'utf8'), cipher.final()]);
    const sealed = Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url');
    return JSON.stringify({ clientIp, sealed: `${current.id}.${sealed}` });
  }

  /** Reads facts of the channel; without key and query when they cannot be decrypted. */
  open(about: string, channel: string): StopFacts {
    const { clientIp, sealed } = readFields(about);
    const facts = { channel, key: '', clientIp, query: '' };
    if (sealed === '') return facts;
    const [id, text = ''] = sealed.split('.', 2);
    const keys = this.#keys.all.find((each) => each.id === id);
    try {
      if (keys === undefined) throw new Error('sealed under a secret that this node does not know');
      const [key, query] = unseal(keys.records, Buffer.from(text, 'base64url'), channel);
      return { ...facts, key, query };
    } catch (error) {
      const reason = messageOf(error);
      this.#log.warning('The key of a stream cannot be read, its stop goes without', { channel, reason });
      return facts;
    }
  }

  /** The same facts under the secret in use; unchanged when they cannot be read. */
  renew(about: string, channel: string): string {
    const { sealed } = readFields(about);
    const id = sealed.split('.', 1)[0];
    const isKnown = this.#keys.all.some((each) => each.id === id);
    return isKnown && id !== this.#keys.current?.id ? this.close(this.open(about, channel)) : about;
  }
}

function readFields(about: string): { clientIp: string; sealed: string } {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  try {
    const { clientIp, sealed } = Object(JSON.parse(about)) as Record<string, unknown>;
    return { clientIp: text(clientIp), sealed: text(sealed) };
  } catch {
    return { clientIp: '', sealed: '' };
  }
}

/** A sealed text is bound to its channel, so that it cannot be read in another channel's record. */
function unseal(key: Buffer, bytes: Buffer, channel: string): [string, string] {
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, IV_BYTES), options).setAAD(Buffer.from(channel));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
  const [first, second] = JSON.parse(text.toString('utf8')) as unknown[];
  return [String(first), String(second)];
}
