import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { parseForwardUrl } from '../../service/outputs/policy/forward-url';
import { MAX_FORWARDS } from '../../service/outputs/policy/read-policy';

/** All addresses together, in characters: they are one header of an answer, and clients bound the size of headers. */
const MAX_CHARACTERS = 8_000;
const HEADER_TEXT = /^[\x21-\x7e]+$/;

const CIPHER = 'aes-256-gcm';
/** Names the form, so that another form can follow. */
const FORM = 'v1';
const IV_BYTES = 12;
const TAG_BYTES = 16;

export const FORWARD_LIST = `a list of at most ${MAX_FORWARDS} addresses rtmp://HOST/APP/KEY or rtmps://HOST/APP/KEY, ${MAX_CHARACTERS} characters together`;

/** Whether streams can be forwarded to these addresses. */
export function isForwardList(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length > MAX_FORWARDS || value.join(' ').length > MAX_CHARACTERS) return false;
  return value.every((url) => typeof url === 'string' && HEADER_TEXT.test(url) && isForwardUrl(url));
}

function isForwardUrl(url: string): boolean {
  try {
    parseForwardUrl(url);
    return true;
  } catch {
    return false;
  }
}

/** Encrypts the addresses of a channel's targets under the pepper; another channel's record cannot contain them. */
export function sealTargets(pepper: string, channel: string, urls: readonly string[]): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, keyOf(pepper), iv).setAAD(Buffer.from(channel));
  const sealed = Buffer.concat([iv, cipher.update(urls.join(' '), 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${FORM}.${sealed.toString('base64url')}`;
}

/** The addresses of a channel's targets. */
export interface OpenedTargets {
  readonly urls: readonly string[];
  /** What to store instead, when they were sealed with an older pepper. */
  readonly renewed?: string | undefined;
}

/** Tries every live pepper, newest first; undefined when none opens it. */
export function openTargets(peppers: readonly string[], channel: string, sealed: string): OpenedTargets | undefined {
  const [newest] = peppers;
  for (const pepper of peppers) {
    const text = open(pepper, channel, sealed);
    if (text === undefined) continue;
    const urls = text.split(' ');
    return pepper === newest ? { urls } : { urls, renewed: sealTargets(newest!, channel, urls) };
  }
  return undefined;
}

function open(pepper: string, channel: string, sealed: string): string | undefined {
  const [form, encoded = ''] = sealed.split('.');
  const bytes = Buffer.from(encoded, 'base64url');
  if (form !== FORM || bytes.length < IV_BYTES + TAG_BYTES) return undefined;
  try {
    const decipher = createDecipheriv(CIPHER, keyOf(pepper), bytes.subarray(0, IV_BYTES))
      .setAAD(Buffer.from(channel))
      .setAuthTag(bytes.subarray(-TAG_BYTES));
    return decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)).toString('utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}

/** A key for this use alone, so that it says nothing about the hashes of stream keys. */
function keyOf(pepper: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', pepper, '', 'forward targets', 32));
}
