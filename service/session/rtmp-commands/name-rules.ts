import type { NameGrammar } from '../../protocol/name-grammar';
import { ownText } from './own-text';

/** FMS and Wowza clients append the application's default instance to its name. */
const DEFAULT_INSTANCE = '_definst_';

/** Admission refuses a publish with a longer query; a player's query is short. */
const MAX_KEPT_QUERY = 2_048;

/** The channel, key and query in `app` and `tcUrl` of a connect. */
export interface ConnectTarget {
  readonly channel: string;
  /** Present when the app contains CHANNEL/KEY. */
  readonly key: string | undefined;
  /** The query string on the app, without `?`. */
  readonly query: string;
}

/** The channel, key and query of a publish or play. */
export interface StreamTarget {
  readonly channel: string;
  readonly key: string;
  /** The query string without `?`; empty when there is none. */
  readonly query: string;
}

/**
 * Splits URLs and names as encoders write them, and checks them. If names may contain slashes, CHANNEL is the whole app
 * and KEY the whole stream name.
 */
export class NameRules {
  readonly #grammar: NameGrammar;

  constructor(grammar: NameGrammar) {
    this.#grammar = grammar;
  }

  /** The rules for names in words, for messages to the client. */
  get allowed(): string {
    return this.#grammar.description;
  }

  /** The channel of a `connect`; undefined when `app` or, if that is empty, `tcUrl` contains no valid channel. */
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
   * The target of `publish` or `play` on this connection. The stream name is a key, CHANNEL/KEY, or empty if the key
   * came with the app. Undefined when the names are not valid.
   */
  streamTarget(connect: ConnectTarget, name: string): StreamTarget | undefined {
    const target = this.#streamTarget(connect, name);
    return target && inOwnText(target);
  }

  /**
   * The channel that a publish with an invalid name was for, to tell operators; undefined when it is no valid name either,
   * or might be a key.
   */
  channelOf(connect: ConnectTarget, name: string): string | undefined {
    const [path] = splitQuery(name);
    // An app that may contain slashes can end with the key.
    if (this.#grammar.allowsSlash) return path === '' ? undefined : connect.channel;
    const [first = '', second] = withoutSlashes(path).split('/');
    if (second === undefined || connect.key !== undefined) return connect.channel;
    return this.#isName(first) && first !== '' ? ownText(first) : undefined;
  }

  /** The target of a player whose URL names channel and key in the path; undefined when they are not valid. */
  urlTarget(channel: string, key: string, query: string): StreamTarget | undefined {
    return this.#isName(channel) && this.#isName(key) ? inOwnText({ channel, key, query }) : undefined;
  }

  #streamTarget(connect: ConnectTarget, name: string): StreamTarget | undefined {
    const [path, ownQuery] = splitQuery(name);
    const query = ownQuery === '' ? connect.query : ownQuery;
    if (this.#grammar.allowsSlash) return this.#slashedTarget(connect.channel, path, query);
    if (connect.key !== undefined && connect.query !== '' && path !== '' && path !== connect.key) {
      // ffmpeg cuts the path at its second slash, even inside the query: then its stream name is the end of the query.
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

  /** Without a stream name, the key is the part after the app's last slash, unless a key may be empty. */
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

/** Copies names, which are kept as long as the connection and were cut out of text that may be far longer. */
function inOwnText<T extends ConnectTarget>(target: T): T {
  const { channel, key, query } = target;
  const ownQuery = query.length > MAX_KEPT_QUERY ? query.slice(0, MAX_KEPT_QUERY) : query;
  return { ...target, channel: ownText(channel), key: key && ownText(key), query: ownText(ownQuery) };
}

function splitQuery(text: string): [path: string, query: string] {
  const at = text.indexOf('?');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Some encoders begin the app with a slash, many end it with a slash. */
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

/** The path and query of an RTMP URL, which some clients put in quotes or follow by a space and options. */
function pathOf(url: string): string {
  return /^['"]?[a-z]+:\/\/[^/\s]*\/{1,2}([^\s'"]*)/i.exec(url)?.[1] ?? '';
}
