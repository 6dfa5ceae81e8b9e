import { isIP } from 'node:net';

/** Where an RTMP server listens. */
export interface RtmpAddress {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'rtmp:': 1935, 'rtmps:': 443 };

/** Reads `rtmp://HOST[:PORT]` or `rtmps://HOST[:PORT]`; undefined when it is neither, or names more than a server. */
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
