import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { messageOf } from '../../errors/error-text';
import type { Logger } from '../../logging/logger';
import type { DerivedKeys, FleetKeys } from '../fleet-keys';
import type { StopFacts } from '../life-store';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Writes and reads what the stop of a publish has to say, and what operators ordered of a stream's outputs. Readers of
 * Redis must not learn stream keys and targets' addresses: they are encrypted, and left out without a secret.
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
    return JSON.stringify({ clientIp, ...(current && { sealed: seal(current, [key, query], channel) }) });
  }

  /** Orders as they are stored in the registry; undefined without a secret, because they are secrets too. */
  closeOrders(orders: string, channel: string): string | undefined {
    const { current } = this.#keys;
    return current && JSON.stringify({ clientIp: '', sealed: seal(current, [orders, ''], channel) });
  }

  /** Undefined when they cannot be decrypted. */
  openOrders(stored: string, channel: string): string | undefined {
    return this.#open(
      readFields(stored).sealed,
      channel,
      'Orders about outputs cannot be read, they are forgotten',
    )?.[0];
  }

  /** Reads facts of the channel; without key and query when they cannot be decrypted. */
  open(about: string, channel: string): StopFacts {
    const { clientIp, sealed } = readFields(about);
    const facts = { channel, key: '', clientIp, query: '' };
    if (sealed === '') return facts;
    const [key, query] = this.#open(sealed, channel, 'The key of a stream cannot be read, its stop goes without') ?? [];
    return key === undefined || query === undefined ? facts : { ...facts, key, query };
  }

  /** The same facts or orders under the secret in use; unchanged when they cannot be read. */
  renew(about: string, channel: string): string {
    const { sealed } = readFields(about);
    const id = sealed.split('.', 1)[0];
    const isKnown = this.#keys.all.some((each) => each.id === id);
    return isKnown && id !== this.#keys.current?.id ? this.close(this.open(about, channel)) : about;
  }

  #open(sealed: string, channel: string, fault: string): [string, string] | undefined {
    const [id, text = ''] = sealed.split('.', 2);
    const keys = this.#keys.all.find((each) => each.id === id);
    try {
      if (keys === undefined) throw new Error('sealed under a secret that this node does not know');
      return unseal(keys.records, Buffer.from(text, 'base64url'), channel);
    } catch (error) {
      this.#log.warning(fault, { channel, reason: messageOf(error) });
      return undefined;
    }
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

function seal({ id, records }: DerivedKeys, texts: readonly [string, string], channel: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, records, iv).setAAD(Buffer.from(channel));
  const text = Buffer.concat([cipher.update(JSON.stringify(texts), 'utf8'), cipher.final()]);
  return `${id}.${Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url')}`;
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
