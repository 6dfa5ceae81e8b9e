import { ProtocolError } from '../../protocol/protocol-errors';
import { normalizeAddress } from '../../addresses/address-rules';
import { crc32c } from './crc32c';
import type { Endpoint, ProxyHeader, ProxyHeaderResult } from './proxy-header';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const FIXED_BYTES = 16;

/**
 * Of addresses and extensions. Load balancers send about 100 bytes; a client certificate's name takes a few hundred.
 */
const MAX_VARIABLE_BYTES = 2048;

const LOCAL = 0x20;
const PROXY = 0x21;

const UNSPEC = 0x00;
const TCP4 = 0x11;
const TCP6 = 0x21;
/** Datagrams and UNIX sockets: valid, and to be treated as UNSPEC by a receiver that does not support them (2.2). */
const OTHER_FAMILIES: readonly number[] = [0x12, 0x22, 0x31, 0x32];

const TYPE_CRC32C = 0x03;
const TYPE_SSL = 0x20;
const TYPE_AWS = 0xea;

const AWS_VPC_ENDPOINT_ID = 0x01;
const CLIENT_SSL = 0x01;

interface Extensions {
  vpcEndpointId?: string;
  tls?: boolean;
}

/** The binary form (2.2): signature, command, family, length, addresses, then type-length-value extensions. */
export function parseProxyHeaderV2(buf: Buffer): ProxyHeaderResult {
  checkFixedPart(buf);
  if (buf.length < FIXED_BYTES) return { kind: 'incomplete' };
  const command = buf.readUInt8(12);
  const family = buf.readUInt8(13);
  const variableBytes = buf.readUInt16BE(14);
  if (variableBytes > MAX_VARIABLE_BYTES) {
    throw new ProtocolError('proxy_header_too_large', `PROXY header announces ${variableBytes} bytes`);
  }
  if (command === PROXY && variableBytes < addressBytes(family)) throw malformed('too short for its addresses');
  const length = FIXED_BYTES + variableBytes;
  if (buf.length < length) return { kind: 'incomplete' };
  // A LOCAL header is skipped unread: health checks name a family but send no addresses.
  const header = command === LOCAL ? { command: 'local' as const } : parseProxied(buf.subarray(0, length), family);
  return { kind: 'header', length, header };
}

/** Checks as many of the first 14 bytes as have come. */
function checkFixedPart(buf: Buffer): void {
  const known = Math.min(buf.length, SIGNATURE.length);
  if (!buf.subarray(0, known).equals(SIGNATURE.subarray(0, known))) throw malformed('wrong signature');
  const command = buf[12];
  if (command !== undefined && command !== LOCAL && command !== PROXY) throw malformed('unknown version or command');
  const family = buf[13];
  if (family === undefined || command === LOCAL) return;
  if (![UNSPEC, TCP4, TCP6, ...OTHER_FAMILIES].includes(family)) throw malformed('unknown address family');
}

function addressBytes(family: number): number {
  if (family === TCP4) return 2 * 4 + 2 * 2;
  if (family === TCP6) return 2 * 16 + 2 * 2;
  return 0;
}

function parseProxied(header: Buffer, family: number): ProxyHeader {
  if (OTHER_FAMILIES.includes(family)) return { command: 'proxy' };
  const extensions = parseExtensions(header, FIXED_BYTES + addressBytes(family));
  if (family === UNSPEC) return { command: 'proxy', ...extensions };
  const size = family === TCP4 ? 4 : 16;
  const ports = FIXED_BYTES + 2 * size;
  return {
    command: 'proxy',
    source: endpoint(header, FIXED_BYTES, size, ports),
    destination: endpoint(header, FIXED_BYTES + size, size, ports + 2),
    ...extensions,
  };
}

function endpoint(header: Buffer, at: number, size: number, portAt: number): Endpoint {
  const bytes = header.subarray(at, at + size);
  const text = size === 4 ? bytes.join('.') : (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');
  return { address: normalizeAddress(text), port: header.readUInt16BE(portAt) };
}

function parseExtensions(header: Buffer, start: number): Extensions {
  const extensions: Extensions = {};
  let checksumSeen = false;
  for (let at = start; at < header.length;) {
    if (header.length - at < 3) throw malformed('extension cut short');
    const type = header.readUInt8(at);
    const value = header.subarray(at + 3, at + 3 + header.readUInt16BE(at + 1));
    if (value.length < header.readUInt16BE(at + 1)) throw malformed('extension cut short');
    if (type === TYPE_CRC32C) {
      if (checksumSeen) throw malformed('two checksums');
      checksumSeen = true;
      verifyChecksum(header, at + 3, value.length);
    } else if (type === TYPE_SSL) {
      if (value.length < 5) throw malformed('extension cut short');
      extensions.tls = (value.readUInt8(0) & CLIENT_SSL) !== 0;
    } else if (type === TYPE_AWS && value[0] === AWS_VPC_ENDPOINT_ID) {
      extensions.vpcEndpointId = printable(value.subarray(1));
    }
    at += 3 + value.length;
  }
  return extensions;
}

/** CRC-32C over the whole header with the checksum's own bytes as zero (2.2.3). */
function verifyChecksum(header: Buffer, at: number, size: number): void {
  if (size !== 4) throw malformed('checksum of a wrong size');
  const zeroed = Buffer.from(header);
  zeroed.fill(0, at, at + size);
  if (crc32c(zeroed) !== header.readUInt32BE(at)) {
    throw new ProtocolError('proxy_checksum_mismatch', 'PROXY header with a wrong checksum');
  }
}

/** The text goes to logs: anything that could forge a line is refused. */
function printable(value: Buffer): string {
  const text = value.toString('latin1');
  if (!/^[\x21-\x7e]+$/.test(text)) throw malformed('VPC endpoint id is not text');
  return text;
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('bad_proxy_header', `malformed PROXY header: ${what}`);
}
