import { isIP } from 'node:net';
import type { ProxyHeaderResult } from '../../../service/net/proxy/proxy-header';
import { parseProxyHeader, type ProxyProtocolMode } from '../../../service/net/proxy/proxy-protocol';
import { ProtocolError } from '../../../service/protocol/protocol-errors';
import { proxyHeaderV1Vectors, proxyHeaderV2Vectors } from '../../vectors/proxy-protocol-vectors';
import { must, type Target } from '../engine/target';

const MODES: readonly ProxyProtocolMode[] = ['any', 'v1', 'v2'];
const CODES = new Set(['bad_proxy_header', 'proxy_header_too_large', 'proxy_checksum_mismatch']);
const MAX_HEADER_BYTES = 2064;

/** A header is the same whatever follows it, and no part of it is taken for another one. */
export const target: Target = {
  name: 'proxy-header',
  reads: 'PROXY protocol headers of versions 1 and 2',
  maxLength: 2_200,
  seeds: () =>
    [...proxyHeaderV1Vectors, ...proxyHeaderV2Vectors].map(({ hex }) =>
      Buffer.concat([Buffer.from(hex.replaceAll(' ', ''), 'hex'), Buffer.of(3)]),
    ),
  run(bytes) {
    for (const mode of MODES) check(bytes, mode);
  },
};

function check(bytes: Buffer, mode: ProxyProtocolMode): void {
  const whole = read(bytes, mode);
  if (whole === 'refused') return;
  if (whole.kind === 'incomplete') {
    must(bytes.length < MAX_HEADER_BYTES, 'more is read than a header may have');
    return;
  }
  const { length, header } = whole;
  must(length > 0 && length <= bytes.length && length <= MAX_HEADER_BYTES, 'a header of an impossible length');
  const alone = read(bytes.subarray(0, length), mode);
  must(JSON.stringify(alone) === JSON.stringify(whole), 'without what follows it is another header');
  // Every beginning would take long for each input: some, among them the last bytes.
  for (const known of [1, 5, 11, 12, 13, 14, 15, 16, length >> 1, length - 2, length - 1]) {
    if (known < 1 || known >= length) continue;
    const part = read(bytes.subarray(0, known), mode);
    must(part !== 'refused' && part.kind === 'incomplete', 'the beginning of a good header is not waited for');
  }
  if (header.command === 'local') return;
  for (const endpoint of [header.source, header.destination]) {
    if (endpoint === undefined) continue;
    must(isIP(endpoint.address) !== 0, 'not an address');
    must(Number.isInteger(endpoint.port) && endpoint.port >= 0 && endpoint.port <= 65_535, 'not a port');
  }
  must(header.vpcEndpointId === undefined || /^[\x21-\x7e]+$/.test(header.vpcEndpointId), 'text that forges log lines');
}

function read(bytes: Buffer, mode: ProxyProtocolMode): ProxyHeaderResult | 'refused' {
  try {
    return parseProxyHeader(bytes, mode);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    must(CODES.has(error.code), 'a fault that is not declared');
    return 'refused';
  }
}
