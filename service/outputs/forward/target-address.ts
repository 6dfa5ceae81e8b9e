import { lookup as lookUpName, type LookupAddress } from 'node:dns';
import { isIP, isIPv4, type LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import { AddressRules, normalizeAddress } from '../../addresses/address-rules';

/** Ranges that belong to no public server (IANA's special-purpose registries): no target may be there unasked. */
const SPECIAL = AddressRules.parse([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
  // Of IPv6, Teredo and other protocols' own, and addresses for documents.
  ...['2001::/23', '2001:db8::/32', '3fff::/20'],
]);
/** The only IPv6 addresses that are given to public servers, and NAT64. */
const GLOBAL_IPV6 = AddressRules.parse(['2000::/3', '64:ff9b::/96']);

const LOOPBACK = AddressRules.parse(['127.0.0.0/8', '::1', '0.0.0.0', '::']);

/** Prefixes of IPv6 addresses with an IPv4 address inside, and where it begins (bytes): NAT64 and 6to4. */
const EMBEDDED = [
  { prefix: AddressRules.parse(['64:ff9b::/96']), at: 12 },
  { prefix: AddressRules.parse(['2002::/16']), at: 2 },
] as const;

/** The target's address is private, local or otherwise special, and not in FORWARD_ALLOW; or it is this node. */
export class ForbiddenTargetError extends Error {
  override readonly name = 'ForbiddenTargetError';
}

export interface TargetRules {
  /** FORWARD_ALLOW. */
  readonly allow: AddressRules;
  /** Whether the node itself listens there. */
  readonly isOwn?: ((address: string, port: number) => boolean) | undefined;
}

/** Whether a connection to this address may be made. An IPv4 address inside an IPv6 address counts as itself. */
export function isAllowedTarget(address: string, allow: AddressRules): boolean {
  const plain = normalizeAddress(address);
  if (isIP(plain) === 0) return false;
  if (allow.allows(plain)) return true;
  const embedded = embeddedIPv4(plain);
  if (embedded !== undefined) return isAllowedTarget(embedded, allow);
  return !SPECIAL.allows(plain) && (isIPv4(plain) || GLOBAL_IPV6.allows(plain));
}

/**
 * A lookup for `net.connect` that gives only addresses to which the connection may be made. The connection uses what it
 * gives, so that a name cannot mean one address for the check and another for the connection.
 */
export function checkedLookup(
  rules: TargetRules,
  port: number,
  lookUp: typeof lookUpName = lookUpName,
): LookupFunction {
  return (host, options, callback) => {
    lookUp(host, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) {
        callback(error, '', 0);
        return;
      }
      const allowed = addresses.filter(({ address }) => faultOf(address, port, rules) === undefined);
      const first = allowed[0];
      if (first === undefined)
        callback(new ForbiddenTargetError(faultOf(addresses[0]?.address ?? '', port, rules)), '', 0);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** @throws {ForbiddenTargetError} for an address, not a name, to which no connection may be made */
export function checkAddress(address: string, port: number, rules: TargetRules): void {
  const fault = isIP(address) === 0 ? undefined : faultOf(address, port, rules);
  if (fault !== undefined) throw new ForbiddenTargetError(fault);
}

/**
 * Whether an address and port are this machine's own, where a server listens on these ports. Behind a load balancer the
 * public address of a node is another: then its handler or FORWARD_URLS must not name it.
 */
export function isOwnPlace(ports: readonly number[]): (address: string, port: number) => boolean {
  return (address, port) => ports.includes(port) && (LOOPBACK.allows(address) || isOwnAddress(address));
}

function isOwnAddress(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return own.some((candidate) => normalizeAddress(candidate.address) === address);
}

function faultOf(address: string, port: number, { allow, isOwn }: TargetRules): string | undefined {
  if (!isAllowedTarget(address, allow)) return 'the address is private or local; FORWARD_ALLOW does not contain it';
  return isOwn?.(normalizeAddress(address), port) === true ? 'the address is this node itself' : undefined;
}

function embeddedIPv4(address: string): string | undefined {
  for (const { prefix, at } of EMBEDDED) {
    if (isIPv4(address) || !prefix.allows(address)) continue;
    return [...bytesOf(address).subarray(at, at + 4)].join('.');
  }
  return undefined;
}

/** The 16 bytes of an IPv6 address. */
function bytesOf(address: string): Buffer {
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...parts: string[]) => {
    const [a, b, c, d] = parts.slice(0, 4).map(Number) as [number, number, number, number];
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  const bytes = Buffer.alloc(16);
  [...before, ...zeros, ...after].slice(0, 8).forEach((hextet, i) => bytes.writeUInt16BE(parseInt(hextet, 16), 2 * i));
  return bytes;
}
