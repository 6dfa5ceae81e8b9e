import { codeOf, messageOf } from '../errors/error-text';

export interface RedisUse {
  /** The connection is made with TLS. */
  readonly secured: boolean;
  /** The server has answered before: then the settings are right. */
  readonly answered: boolean;
}

/** Why Redis cannot be used, with the setting that is the likely cause. */
export function explainRedisFault(error: unknown, use: RedisUse): string {
  const message = messageOf(error);
  const hint = hintOf(codeOf(error), message, use);
  return hint === undefined ? message : `${message}; ${hint}`;
}

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);
/** How servers end a connection that sends them something other than TLS: silently, or with a TLS alert (byte 21). */
const CLOSED = /ECONNRESET|EPIPE|connection closed|Connection is closed|Unknown RESP type 21 /;

function hintOf(code: string | undefined, message: string, { secured, answered }: RedisUse): string | undefined {
  if (/WRONGPASS|invalid (?:username-)?password/.test(message)) return 'are REDIS_USERNAME and REDIS_PASSWORD right?';
  if (message.startsWith('NOAUTH')) return 'REDIS_PASSWORD is needed';
  if (code !== undefined && UNTRUSTED.has(code)) return 'REDIS_TLS_CA can name the authority of its certificate';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'REDIS_HOST has to be a name in its certificate';
  if (answered) return undefined;
  if (code === 'ECONNREFUSED') return 'are REDIS_HOST and REDIS_PORT right?';
  if (code === 'ENOTFOUND') return 'is REDIS_HOST right?';
  // A server without TLS reads the TLS handshake as an incomplete command and waits, or answers in plain text.
  if (secured && (code === 'ETIMEDOUT' || code === 'EPROTO')) return 'set REDIS_TLS=NO if this Redis has no TLS';
  if (!secured && CLOSED.test(message)) return 'set REDIS_TLS=YES if this Redis expects TLS';
  if (message.startsWith('Unknown RESP type')) return 'REDIS_HOST and REDIS_PORT lead to something else than Redis';
  return undefined;
}
