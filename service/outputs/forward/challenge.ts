import { createHash, randomBytes } from 'node:crypto';
import type { ForwardTarget } from '../policy/forward-url';

/** What a refused `connect` means for a target that has a user and a password. */
export type ChallengeAnswer =
  /** Connect again with this appended to app and tcUrl. */
  | { readonly kind: 'query'; readonly query: string }
  /** The target refuses the user or the password, or the address has none. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The refusal has nothing to do with authentication. */
  | { readonly kind: 'other' };

/** Random text of eight characters; tests give their own. */
export type Nonce = () => string;

const randomNonce: Nonce = () => randomBytes(4).toString('hex');
/** Digest authentication (RFC 2617) as Limelight uses it: always the first request, in this realm. */
const LLNW_COUNT = '00000001';
const LLNW_REALM = 'live';

/**
 * Reads the description of a refused `connect` and answers it, as Flash Media Live Encoder does: the server first names
 * its scheme (`authmod=adobe` or `llnw`), then, on a second connection that names the user, asks a question, which the
 * third connection answers.
 */
export function answerChallenge(
  description: string,
  target: ForwardTarget,
  nonce: Nonce = randomNonce,
): ChallengeAnswer {
  const scheme = /authmod=(\w+)/.exec(description)?.[1];
  if (scheme === undefined) return { kind: 'other' };
  const { user, password, app } = target;
  if (scheme !== 'adobe' && scheme !== 'llnw') return refused('target asks for an authentication that is not known');
  if (user === '' || password === '') return refused('target asks for a user and a password, and its address has none');
  if (/reason=(?:authfail|nosuchuser)/.test(description)) return refused('target refuses the user or the password');
  const question = /\?(reason=needauth[^\s\]]*)/.exec(description)?.[1];
  if (question === undefined) return { kind: 'query', query: `?authmod=${scheme}&user=${user}` };
  const fields = readFields(question);
  const answer =
    scheme === 'adobe' ? adobe(user, password, fields, nonce()) : llnw(user, password, app, fields, nonce());
  return { kind: 'query', query: answer };
}

function adobe(ownUser: string, password: string, fields: Fields, clientChallenge: string): string {
  const user = nonEmpty(fields.get('user')) ?? ownUser;
  const opaque = fields.get('opaque') ?? '';
  const salted = md5('base64', user, fields.get('salt') ?? '', password);
  const response = md5('base64', salted, opaque === '' ? (fields.get('challenge') ?? '') : opaque, clientChallenge);
  const query = `?authmod=adobe&user=${user}&challenge=${clientChallenge}&response=${response}`;
  return opaque === '' ? query : `${query}&opaque=${opaque}`;
}

function llnw(ownUser: string, password: string, app: string, fields: Fields, clientNonce: string): string {
  const user = nonEmpty(fields.get('user')) ?? ownUser;
  const nonce = fields.get('nonce') ?? '';
  const name = app.replace(/\?.*$/, '');
  const secret = md5('hex', `${user}:${LLNW_REALM}:${password}`);
  const request = md5('hex', `publish:/${name}${name.includes('/') ? '' : '/_definst_'}`);
  const response = md5('hex', [secret, nonce, LLNW_COUNT, clientNonce, 'auth', request].join(':'));
  return `?authmod=llnw&user=${user}&nonce=${nonce}&cnonce=${clientNonce}&nc=${LLNW_COUNT}&response=${response}`;
}

type Fields = ReadonlyMap<string, string>;

/** `a=b&c=d`. Values are not decoded: base64 may end in `=`. */
function readFields(text: string): Fields {
  return new Map(
    text.split('&').map((pair) => {
      const equals = pair.indexOf('=');
      return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function md5(form: 'base64' | 'hex', ...parts: readonly string[]): string {
  return createHash('md5').update(parts.join('')).digest(form);
}

function refused(reason: string): ChallengeAnswer {
  return { kind: 'refused', reason };
}
