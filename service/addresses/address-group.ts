import { isIPv4, isIPv6 } from 'node:net';
import { normalizeAddress } from './address-rules';

/** Hextets of an IPv6 address that name the smallest network a customer gets (a /64). */
const GROUP_HEXTETS = 4;
const HEXTETS = 8;
/**
 * The well-known NAT64 prefix (RFC 6052): each address behind it is a separate IPv4 client. Clients of a translator
 * with another prefix cannot be told from one customer's network and share a /64.
 */
const NAT64_PREFIX = '64:ff9b::';

/**
 * The client that limits and budgets count an address for: an IPv4 address counts for itself, an IPv6 address for its
 * /64 (`2001:db8:0:1::/64`), since a customer has at least all addresses of that network: a /56 or /48 holds 256 or
 * 65,536 such networks. Text that is no address counts for itself.
 */
export function addressGroup(address: string): string {
  if (isIPv4(address)) return address;
  const plain = normalizeAddress(address);
  if (!isIPv6(plain) || plain.startsWith(NAT64_PREFIX)) return plain;
  return `${hextetsOf(plain).slice(0, GROUP_HEXTETS).join(':')}::/64`;
}

/** The hextets of a compressed address; an IPv4 address at its end is left as it is. */
function hextetsOf(address: string): string[] {
  const [head = '', tail = ''] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const afterHextets = after.length + (tail.includes('.') ? 1 : 0);
  const missing = Math.max(0, HEXTETS - before.length - afterHextets);
  return [...before, ...Array<string>(missing).fill('0'), ...after];
}
