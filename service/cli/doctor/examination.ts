import type { ReadSecret } from '../../aws/secrets-manager';
import type { ServiceConfig } from '../../config/service-config';
import type { RtmpAddress } from '../../round-trip/rtmp-address';
import type { TestChannel } from '../../round-trip/round-trip';

/** What the checks examine: the settings of this machine, the server that runs with them, and what they lead to. */
export interface Examination {
  readonly config: ServiceConfig;
  /** The address that clients use, such as the load balancer's; undefined: only the server itself is tried. */
  readonly clientAddress: RtmpAddress | undefined;
  /** Where to publish the test stream; undefined: a channel of its own, if no callback decides on publishers. */
  readonly channel: TestChannel | undefined;
  readonly readSecret: ReadSecret;
  /** The time of this machine (ms since the epoch). */
  readonly now: () => number;
}

/** Time limit of one connection, handshake or request (ms). */
export const PATIENCE_MS = 5_000;

/** Where a listener is reached from its own machine. */
export function localHost(bindAddress: string | undefined): string {
  return bindAddress === undefined || bindAddress === '::' || bindAddress === '0.0.0.0' ? '127.0.0.1' : bindAddress;
}

/** `HOST:PORT`, an IPv6 address in brackets. */
export function place(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
