import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Attempts } from './attempts';
import { ApiProblem } from './problems';
import type { Access } from './schemas/access';

/** `open`: everybody. `read`: on loopback, or with the token. `order`: with the token. `node`: other nodes. */
export type AccessLevel = 'open' | 'read' | 'order' | 'node';

/** Who sent a request. */
export interface ApiClient {
  /** As a trusted proxy names it; otherwise the other end of the connection. */
  readonly address: string;
  /** The connection did not begin with the header of a proxy. */
  readonly isDirect: boolean;
}

export interface AccessRulesOptions {
  /** OPERATOR_TOKEN; undefined: not set, or not read yet. */
  readonly token: () => string | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const COOKIE = 'rtmp_operator';
/** How long a login lasts (s). */
const LOGIN_SECONDS = 12 * 3600;
const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/;
/** Set by proxies, as is every `x-forwarded-*`: the client is not who the connection says. */
const FORWARDING: ReadonlySet<string> = new Set([
  'cf-connecting-ip',
  'forwarded',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-real-ip',
]);

const SET_TOKEN =
  'set OPERATOR_TOKEN (16 characters or more, such as the output of "openssl rand -hex 24") and restart the server';

/** Who may read and who may give orders. There is no default password: without OPERATOR_TOKEN there are no orders. */
export class AccessRules {
  readonly #token: () => string | undefined;
  readonly #now: () => number;
  readonly #attempts = new Attempts();

  constructor({ token, now = Date.now }: AccessRulesOptions) {
    this.#token = token;
    this.#now = now;
  }

  /** @throws ApiProblem when the client may not */
  check(request: IncomingMessage, level: 'read' | 'order', client: ApiClient): void {
    refuseCrossOrigin(request);
    if (this.#hasToken(request, client)) return;
    if (level === 'read' && isLoopback(request, client)) return;
    if (this.#token() === undefined) {
      const what = level === 'order' ? 'To give orders' : 'To read from another machine';
      throw new ApiProblem('tokenNotSet', `${what}, ${SET_TOKEN}.`);
    }
    throw new ApiProblem('tokenNeeded', 'Send OPERATOR_TOKEN as "Authorization: Bearer TOKEN", or log in.', {
      'www-authenticate': 'Bearer',
    });
  }

  access(request: IncomingMessage, client: ApiClient): Access {
    const tokenIsSet = this.#token() !== undefined;
    const mayOrder = this.#hasToken(request, client);
    const mayRead = mayOrder || isLoopback(request, client);
    let sentence = '';
    if (!mayOrder)
      sentence = tokenIsSet ? 'Log in with OPERATOR_TOKEN to give orders.' : `To give orders, ${SET_TOKEN}.`;
    return { mayRead, mayOrder, tokenIsSet, sentence };
  }

  /**
   * Checks a token that a client sent to log in; returns the cookie for it.
   *
   * @throws ApiProblem when the token is wrong
   */
  logIn(request: IncomingMessage, token: string, client: ApiClient): string {
    refuseCrossOrigin(request);
    if (this.#token() === undefined) throw new ApiProblem('tokenNotSet', `To log in, ${SET_TOKEN}.`);
    this.#compare(client, token);
    const until = Math.floor(this.#now() / 1000) + LOGIN_SECONDS;
    return cookie(request, `${until}.${this.#sealOf(String(until))}`, LOGIN_SECONDS);
  }

  /** The cookie that ends a login. */
  logOut(request: IncomingMessage): string {
    refuseCrossOrigin(request);
    return cookie(request, '', 0);
  }

  /** @throws ApiProblem when the client sent a wrong token, or has sent too many */
  #hasToken(request: IncomingMessage, client: ApiClient): boolean {
    const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    if (given !== undefined && this.#token() !== undefined) {
      this.#compare(client, given);
      return true;
    }
    return this.#isLoggedIn(request.headers.cookie ?? '');
  }

  #compare({ address }: ApiClient, given: string): void {
    const waitSeconds = this.#attempts.waitSeconds(address, this.#now());
    if (waitSeconds > 0) {
      throw new ApiProblem('tooManyAttempts', `Too many wrong tokens: try again in ${waitSeconds} s.`, {
        'retry-after': String(waitSeconds),
      });
    }
    const token = this.#token();
    if (token !== undefined && isSame(given, token)) return;
    this.#attempts.failed(address, this.#now());
    throw new ApiProblem('tokenWrong', 'This is not the OPERATOR_TOKEN of the server.', {
      'www-authenticate': 'Bearer error="invalid_token"',
    });
  }

  #isLoggedIn(cookies: string): boolean {
    const value = new RegExp(`(?:^|;\\s*)${COOKIE}=(\\d{1,12})\\.([\\w-]{43})(?:;|$)`).exec(cookies);
    const [, until = '', seal = ''] = value ?? [];
    if (value === null || this.#token() === undefined) return false;
    return isSame(seal, this.#sealOf(until)) && Number(until) > this.#now() / 1000;
  }

  /** Any node with the same token accepts it, and none after the token has changed. */
  #sealOf(until: string): string {
    return createHmac('sha256', this.#token() ?? '')
      .update(`login ${until}`)
      .digest('base64url');
  }
}

/** A page of another site must neither give orders nor use up places, even where no token is needed. */
function refuseCrossOrigin({ headers }: IncomingMessage): void {
  const site = headers['sec-fetch-site'];
  const isForeignSite = site !== undefined && site !== 'same-origin' && site !== 'none';
  const { origin, host } = headers;
  const isForeign = isForeignSite || (origin !== undefined && hostOf(origin) !== host?.toLowerCase());
  if (isForeign) throw new ApiProblem('crossOrigin', 'Pages of other sites may not use this API.');
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host.toLowerCase() : undefined;
}

function isLoopback(request: IncomingMessage, { isDirect }: ApiClient): boolean {
  return isDirect && LOOPBACK.test(request.socket.remoteAddress ?? '') && !isForwarded(request);
}

/** nginx speaks HTTP/1.0 to a server behind it where it is not told otherwise; clients of today speak HTTP/1.1. */
function isForwarded({ headers, httpVersion }: IncomingMessage): boolean {
  if (httpVersion !== '1.1') return true;
  return Object.keys(headers).some((name) => name.startsWith('x-forwarded-') || FORWARDING.has(name));
}

function cookie({ headers }: IncomingMessage, value: string, maxAge: number): string {
  const secure = headers['x-forwarded-proto'] === 'https' ? '; Secure' : '';
  return `${COOKIE}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${maxAge}${secure}`;
}

/** Compares in constant time, whatever the lengths. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
