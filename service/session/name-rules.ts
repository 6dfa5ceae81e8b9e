/** Names as the protocol allows them. */
const NAME = /^[A-Za-z0-9_-]+$/;
/** FMS and Wowza clients append the application's default instance to its name. */
const DEFAULT_INSTANCE = '_definst_';

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

/** Splits URLs and names the way encoders write them, and says which are valid. */
export class NameRules {
  constructor(readonly maxLength: number) {}

  isName(text: string): boolean {
    return text.length <= this.maxLength && NAME.test(text);
  }

  /** The channel that `connect` asks for; undefined when no valid one can be found in `app` or, without it, `tcUrl`. */
  connectTarget(app: string, tcUrl: string): ConnectTarget | undefined {
    const [path, query] = splitQuery(app === '' ? pathOf(tcUrl) : app);
    const [channel, key, ...more] = withoutSlashes(path).split('/');
    if (channel === undefined || more.length > 0 || !this.isName(channel)) return undefined;
    if (key === undefined || key === DEFAULT_INSTANCE) return { channel, key: undefined, query };
    return this.isName(key) ? { channel, key, query } : undefined;
  }

  /**
   * What the stream name of `publish` or `play` means on this connection: a key, CHANNEL/KEY, or nothing where the key
   * came with the app. Undefined when that gives no valid names.
   */
  streamTarget(connect: ConnectTarget, name: string): StreamTarget | undefined {
    const [path, ownQuery] = splitQuery(name);
    const query = ownQuery === '' ? connect.query : ownQuery;
    if (connect.key !== undefined && connect.query !== '' && path !== '' && path !== connect.key) {
      // ffmpeg cuts a URL at its last slash, even one in the query: what it takes for the name is the query's end.
      return { channel: connect.channel, key: connect.key, query: `${connect.query}/${name}` };
    }
    const parts = withoutSlashes(path).split('/');
    if (parts.length === 2) {
      const [channel, key] = parts as [string, string];
      return this.isName(channel) && this.isName(key) ? { channel, key, query } : undefined;
    }
    const key = path === '' ? connect.key : path;
    if (key === undefined || !this.isName(key) || (connect.key !== undefined && connect.key !== key)) return undefined;
    return { channel: connect.channel, key, query };
  }
}

function splitQuery(text: string): [path: string, query: string] {
  const at = text.indexOf('?');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Some encoders begin the app with a slash, many end it with one. */
function withoutSlashes(path: string): string {
  return path.replace(/^\/|\/$/g, '');
}

/** The path and query of an RTMP URL, which some clients quote or give options after a space. */
function pathOf(url: string): string {
  return /^['"]?[a-z]+:\/\/[^/\s]*\/{1,2}([^\s'"]*)/i.exec(url)?.[1] ?? '';
}
