/** Where a stream is forwarded to. `app` and `key` may hold secrets and are never shown; `shown` is for people. */
export interface ForwardTarget {
  /** RTMPS. */
  readonly secure: boolean;
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** Application and instance, with the query that some services put there. */
  readonly app: string;
  /** The stream's name for `publish`, with its query. */
  readonly key: string;
  /** The address that `connect` states: without key, user and password. */
  readonly tcUrl: string;
  /** For servers that ask for a user and a password; empty: there are none. */
  readonly user: string;
  readonly password: string;
  /** Scheme, host, port and application, without anything secret. */
  readonly shown: string;
}

/** The address cannot be used. The message does not contain any part of it. */
export class ForwardUrlError extends Error {
  override readonly name = 'ForwardUrlError';
}

const DEFAULT_PORT = 1935;
const DEFAULT_TLS_PORT = 443;
/** RTMP writes names with a length of 16 bits; nobody needs more than this. */
const MAX_CHARACTERS = 4096;

/** Scheme; user and password up to the last `@` before the path; host, IPv6 in brackets; port; the rest. */
const PARTS = /^(rtmps?):\/\/(?:([^/?#]*)@)?(\[[0-9a-f:.]+\]|[^\s:/?#[\]@]+)(?::(\d{1,5}))?\/(.*)$/i;

/**
 * Reads an address such as `rtmp://host/app/key`. The last part of the path and the query after it are the key, all
 * before it is the application: `rtmp://host/app/instance/key?query`. Two forms of real services differ: a query before
 * the key belongs to the application (`/live2?backup=1/KEY`), and after `#` everything is the key, whatever it contains.
 *
 * @throws {ForwardUrlError}
 */
export function parseForwardUrl(text: string): ForwardTarget {
  if (text.length > MAX_CHARACTERS) throw new ForwardUrlError(`is longer than ${MAX_CHARACTERS} characters`);
  // A line end in a name could forge a log line of the target.
  if (/[\u0000-\u0020\u007f]/.test(text)) throw new ForwardUrlError('contains a space or a control character');
  const parts = PARTS.exec(text);
  if (parts === null) throw new ForwardUrlError('is not of the form rtmp://HOST/APP/KEY or rtmps://HOST/APP/KEY');
  const [, scheme = '', credentials = '', hostText = '', portText, path = ''] = parts;
  const secure = scheme.toLowerCase() === 'rtmps';
  const port = portText === undefined ? (secure ? DEFAULT_TLS_PORT : DEFAULT_PORT) : Number(portText);
  if (port < 1 || port > 65_535) throw new ForwardUrlError('has a port outside of 1 to 65535');
  const { app, key } = splitPath(path);
  if (app === '') throw new ForwardUrlError('names no application, as in rtmp://HOST/APP/KEY');
  if (key === '') throw new ForwardUrlError('names no stream key, as in rtmp://HOST/APP/KEY');
  const colon = credentials.indexOf(':');
  const origin = `${scheme.toLowerCase()}://${hostText.toLowerCase()}${portText === undefined ? '' : `:${port}`}`;
  return {
    secure,
    host: hostText.toLowerCase().replace(/^\[|\]$/g, ''),
    port,
    app,
    key,
    tcUrl: `${origin}/${app}`,
    user: decode(colon < 0 ? credentials : credentials.slice(0, colon)),
    password: colon < 0 ? '' : decode(credentials.slice(colon + 1)),
    shown: `${origin}/${app.replace(/\?.*$/, '')}`,
  };
}

/** What may be shown of an address that an operator or a policy gave, also when it cannot be used. */
export function shownForwardUrl(text: string): string {
  try {
    return parseForwardUrl(text).shown;
  } catch {
    return 'an address that cannot be used';
  }
}

/** The list of addresses in one text, separated by spaces or by commas; a comma within an address stays. */
export function splitForwardUrls(text: string): string[] {
  const urls = text.split(/\s+|,(?=\s*rtmps?:\/\/)/i).map((url) => url.replace(/,$/, ''));
  return urls.filter((url) => url !== '');
}

function splitPath(path: string): { app: string; key: string } {
  const hash = path.indexOf('#');
  if (hash >= 0) return { app: path.slice(0, hash).replace(/\/$/, ''), key: path.slice(hash + 1) };
  const query = path.indexOf('?');
  const names = query < 0 ? path : path.slice(0, query);
  const slash = names.lastIndexOf('/');
  if (slash >= 0) return { app: names.slice(0, slash), key: spaced(names.slice(slash + 1)) + path.slice(names.length) };
  // The only name is the application: its query ends where the key begins.
  const last = path.lastIndexOf('/');
  return last < 0 ? { app: path, key: '' } : { app: path.slice(0, last), key: spaced(path.slice(last + 1)) };
}

/** A list of addresses cannot contain spaces, so names have `%20`. Nothing else is decoded: services sign their queries. */
function spaced(name: string): string {
  return name.replaceAll('%20', ' ');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
