import { isIPv4, isIPv6 } from 'node:net';
import { ProtocolError } from '../../protocol/protocol-errors';
import { normalizeAddress } from '../../addresses/address-rules';
import type { Endpoint, ProxyHeader, ProxyHeaderResult } from './proxy-header';

/** With CRLF (2.1). */
const MAX_LINE_BYTES = 107;

const LINE_STARTS = ['PROXY TCP4 ', 'PROXY TCP6 ', 'PROXY UNKNOWN'];
const PORT = /^(?:0|[1-9][0-9]{0,4})$/;
const MAX_PORT = 65535;

/** The human-readable form: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 1935` and CRLF. */
export function parseProxyHeaderV1(buf: Buffer): ProxyHeaderResult {
  const text = buf.toString('latin1', 0, Math.min(buf.length, MAX_LINE_BYTES));
  if (!LINE_STARTS.some((start) => text.startsWith(start) || start.startsWith(text))) throw malformed();
  const newline = text.indexOf('\n');
  if (newline < 0) {
    if (text.length === MAX_LINE_BYTES) {
      throw new ProtocolError('proxy_header_too_large', `PROXY line without an end in ${MAX_LINE_BYTES} bytes`);
    }
    return { kind: 'incomplete' };
  }
  if (text[newline - 1] !== '\r') throw malformed();
  return { kind: 'header', length: newline + 1, header: parseLine(text.slice(0, newline - 1)) };
}

function parseLine(line: string): ProxyHeader {
  const [, family, source, destination, sourcePort, destinationPort, ...more] = line.split(' ');
  if (family === 'UNKNOWN') return { command: 'proxy' }; // What follows must be ignored (2.1).
  if (more.length > 0) throw malformed();
  const isAddress = family === 'TCP4' ? isIPv4 : isCompleteIPv6;
  return {
    command: 'proxy',
    source: endpoint(source, sourcePort, isAddress),
    destination: endpoint(destination, destinationPort, isAddress),
  };
}

function endpoint(address = '', port = '', isAddress: (text: string) => boolean): Endpoint {
  if (!isAddress(address) || !PORT.test(port) || Number(port) > MAX_PORT) throw malformed();
  return { address: normalizeAddress(address), port: Number(port) };
}

/** A zone index (`%eth0`) is refused: it has a meaning on the proxy's machine only. */
function isCompleteIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function malformed(): ProtocolError {
  return new ProtocolError('bad_proxy_header', 'malformed PROXY protocol line');
}
