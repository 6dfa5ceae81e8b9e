import { PROXY_HEADER, protocolOf } from '../../protocol/first-bytes';
import { ProtocolError } from '../../protocol/protocol-errors';
import type { ProxyHeaderResult } from './proxy-header';
import { parseProxyHeaderV1 } from './proxy-protocol-v1';
import { parseProxyHeaderV2 } from './proxy-protocol-v2';

/** Which forms a listener accepts. `any` is told apart by the first byte. */
export type ProxyProtocolMode = 'v1' | 'v2' | 'any';

/**
 * Reads the one PROXY protocol header at the start of a connection (HAProxy's proxy-protocol.txt, versions 1 and 2).
 *
 * `buf` holds all bytes so far, and must be given again with more of them while the result is `incomplete`; no header
 * is longer than 2064 bytes. The header is taken on trust: only accept it from peers that are known proxies.
 *
 * @throws {ProtocolError} `bad_proxy_header`, `proxy_header_too_large` or `proxy_checksum_mismatch`, with the first
 * byte that proves it. The connection must then be closed, never read as if there were no header.
 */
export function parseProxyHeader(buf: Buffer, mode: ProxyProtocolMode): ProxyHeaderResult {
  const first = buf[0];
  if (first === undefined) return { kind: 'incomplete' };
  if (mode !== 'v2' && first === 0x50) return parseProxyHeaderV1(buf);
  if (mode !== 'v1' && first === 0x0d) return parseProxyHeaderV2(buf);
  const spoken = protocolOf(buf) ?? `something that begins with byte ${first}`;
  const what = spoken === PROXY_HEADER ? 'a header of another version' : spoken;
  throw new ProtocolError('bad_proxy_header', `no PROXY protocol header as it is expected: this is ${what}`);
}
