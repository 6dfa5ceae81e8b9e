import { isIP } from 'node:net';

/** The address of an RTMP server. */
export interface RtmpAddress {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'rtmp:': 1935, 'rtmps:': 443 };

/** Reads `rtmp://HOST[:PORT]` or `rtmps://HOST[:PORT]`; undefined for anything else, also with a path or query. */
export function parseRtmpAddress(text: string): RtmpAddress | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, hostname, port, pathname, search, username } = new URL(text);
  const defaultPort = DEFAULT_PORTS[protocol];
  if (defaultPort === undefined || hostname === '' || search !== '' || username !== '') return undefined;
  if (pathname !== '' && pathname !== '/') return undefined;
  const bare = hostname.replace(/^\[|\]$/g, '');
  return {
    host: isIP(bare) === 6 ? bare : hostname,
    port: port === '' ? defaultPort : Number(port),
    secure: protocol === 'rtmps:',
  };
}
