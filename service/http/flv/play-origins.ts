import type { HeaderFields } from './http-text';
import type { PlayRequest } from './play-request';

/** A request, as far as it says which page has made it. */
export interface AskingPage {
  readonly headers: Pick<PlayRequest['headers'], 'origin' | 'host'>;
}

/** How long a browser may remember the answer to its preflight request (s). */
const PREFLIGHT_SECONDS = '600';

/**
 * The origins whose web pages may play: the server's own, and those that are configured. Programs other than browsers
 * name no origin, and may play.
 */
export class PlayOrigins {
  readonly #origins: ReadonlySet<string>;

  /** @param origins such as `https://example.com:8443`; `*`: all */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  allows({ headers: { origin, host } }: AskingPage): boolean {
    if (origin === undefined || this.#origins.has('*') || this.#origins.has(origin)) return true;
    return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
  }

  /** Header fields that let a page of another origin read the answer. */
  fields(request: AskingPage): HeaderFields {
    const { origin } = request.headers;
    if (this.#origins.has('*')) return { 'access-control-allow-origin': '*' };
    if (origin === undefined || !this.#origins.has(origin)) return { vary: 'origin' };
    return { 'access-control-allow-origin': origin, vary: 'origin' };
  }

  /** Further fields of the answer to a preflight request. */
  preflightFields(): HeaderFields {
    return { 'access-control-allow-methods': 'GET', 'access-control-max-age': PREFLIGHT_SECONDS };
  }
}
