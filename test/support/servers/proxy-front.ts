import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Haproxy } from '../programs/haproxy';
import { temporaryDirectory } from './test-certificates';

export interface ProxyFrontOptions {
  /** The port on 127.0.0.1 that connections are forwarded to. */
  readonly target: number;
  /** Words behind the server's address: `send-proxy-v2 proxy-v2-options crc32c`, `check inter 50ms`. */
  readonly server: string;
  /** Ends TLS here, with this PEM text of certificate and key. */
  readonly tlsPem?: string;
}

export interface ProxyFront {
  readonly port: number;
  stop(): Promise<void>;
}

/** A real HAProxy on a free port of 127.0.0.1 that forwards connections to one port. */
export async function startProxyFront({ target, server, tlsPem }: ProxyFrontOptions): Promise<ProxyFront> {
  const directory = temporaryDirectory();
  const pemPath = join(directory.path, 'front.pem');
  if (tlsPem !== undefined) writeFileSync(pemPath, tlsPem);
  const tls = tlsPem === undefined ? '' : ` ssl crt ${pemPath}`;
  const haproxy = await Haproxy.start({
    ports: new Map([['front', undefined]]),
    configuration: (port) =>
      [
        'defaults',
        '  mode tcp',
        '  timeout connect 5s',
        '  timeout client 60s',
        '  timeout server 60s',
        'frontend front',
        `  bind 127.0.0.1:${port('front')}${tls}`,
        '  default_backend node',
        'backend node',
        `  server node 127.0.0.1:${target} ${server}`,
        '',
      ].join('\n'),
  });

  return {
    port: haproxy.port('front'),
    async stop() {
      await haproxy.stop();
      directory.remove();
    },
  };
}
