import type { NameGrammar } from '../../protocol/name-grammar';
import { ownText } from './own-text';

/** FMS and Wowza clients append the application's default instance to its name. */
const DEFAULT_INSTANCE = '_definst_';

/** A query that is longer is refused by whoever takes it for a publish; what a player's says is short. */
const MAX_KEPT_QUERY = 2_048;

/** What `app` and `tcUrl` of a connect say. */
export interface ConnectTarget {
  readonly channel: string;
  /** Given when the whole of CHANNEL/KEY came in the app. */
  readonly key: string | undefined;
  /** The query string on the app, without `?`. */
  readonly query: string;
}

/** What a publish or play is about. */
export interface StreamTarget {
  readonly channel: string;
  readonly key: string;
  /** The query string without `?`; empty when there is none. */
  readonly query: string;
}

/**
 * Splits URLs and names the way encoders write them, and says which are valid. Where names may hold slashes, CHANNEL is
 * the whole app and KEY the whole stream name.
 */
export class NameRules {
  readonly #grammar: NameGrammar;

  constructor(grammar: NameGrammar) {
    this.#grammar = grammar;
  }

  /** What is allowed, for messages to the client. */
  get allowed(): string {
    return this.#grammar.description;
  }

  /** The channel that `connect` asks for; undefined when no valid one can be found in `app` or, without it, `tcUrl`. */
  connectTarget(app: string, tcUrl: string): ConnectTarget | undefined {
    const target = this.#connectTarget(app, tcUrl);
    return target && inOwnText(target);
  }

  #connectTarget(app: string, tcUrl: string): ConnectTarget | undefined {
    const [path, query] = splitQuery(app === '' ? pathOf(tcUrl) : app);
    const parts = this.#grammar.allowsSlash ? splitInstance(path) : withoutSlashes(path).split('/');
    const [channel, key, ...more] = parts;
    if (channel === undefined || more.length > 0 || !this.#isName(channel)) return undefined;
    if (key === undefined || key === DEFAULT_INSTANCE) return { channel, key: undefined, query };
    return this.#isName(key) ? { channel, key, query } : undefined;
  }

  /**
   * What the stream name of `publish` or `play` means on this connection: a key, CHANNEL/KEY, or nothing where the key
   * came with the app. Undefined when that gives no valid names.
   */
  streamTarget(connect: ConnectTarget, name: string): StreamTarget | undefined {
    const target = this.#streamTarget(connect, name);
    return target && inOwnText(target);
  }

  #streamTarget(connect: ConnectTarget, name: string): StreamTarget | undefined {
    const [path, ownQuery] = splitQuery(name);
    const query = ownQuery === '' ? connect.query : ownQuery;
    if (this.#grammar.allowsSlash) return this.#slashedTarget(connect.channel, path, query);
    if (connect.key !== undefined && connect.query !== '' && path !== '' && path !== connect.key) {
      // ffmpeg cuts the path at its second slash, even one in the query: what it takes for the name is the query's end.
      return { channel: connect.channel, key: connect.key, query: `${connect.query}/${name}` };
    }
    const parts = withoutSlashes(path).split('/');
    if (parts.length === 2) {
      const [channel, key] = parts as [string, string];
      return this.#isName(channel) && this.#isName(key) ? { channel, key, query } : undefined;
    }
    const key = path === '' ? (connect.key ?? '') : path;
    if (!this.#isName(key) || (connect.key !== undefined && connect.key !== key)) return undefined;
    return { channel: connect.channel, key, query };
  }

  /** Without a stream name, what follows the app's last slash is the key, unless a key may be empty. */
  #slashedTarget(app: string, name: string, query: string): StreamTarget | undefined {
    const slash = app.lastIndexOf('/');
    const inApp = name === '' && slash > 0 && !this.#grammar.allowsEmpty;
    const [channel, key] = inApp ? [app.slice(0, slash), app.slice(slash + 1)] : [app, name];
    return this.#isName(channel) && this.#isName(key) ? { channel, key, query } : undefined;
  }

  #isName(text: string): boolean {
    return this.#grammar.isName(text);
  }
}

/** Names are kept as long as the connection, and were cut out of text that may be far longer. */
function inOwnText<T extends ConnectTarget>(target: T): T {
  const { channel, key, query } = target;
  const ownQuery = query.length > MAX_KEPT_QUERY ? query.slice(0, MAX_KEPT_QUERY) : query;
  return { ...target, channel: ownText(channel), key: key && ownText(key), query: ownText(ownQuery) };
}

function splitQuery(text: string): [path: string, query: string] {
  const at = text.indexOf('?');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Some encoders begin the app with a slash, many end it with one. */
function withoutSlashes(path: string): string {
  return path.replace(/^\/|\/$/g, '');
}

/** The app without slashes around it, and the default instance where there is one. */
function splitInstance(app: string): string[] {
  const path = app.replace(/^\/+|\/+$/g, '');
  return path.endsWith(`/${DEFAULT_INSTANCE}`)
    ? [path.slice(0, -DEFAULT_INSTANCE.length - 1), DEFAULT_INSTANCE]
    : [path];
}

/** The path and query of an RTMP URL, which some clients quote or give options after a space. */
function pathOf(url: string): string {
  return /^['"]?[a-z]+:\/\/[^/\s]*\/{1,2}([^\s'"]*)/i.exec(url)?.[1] ?? '';
}
