/** The network that the bench's own network namespace gives to attackers: a ULA /48 (RFC 4193). */
export const IPV6_NETWORK = 'fd5a:1b2c:3d4e';

/** Addresses of 127.0.0.0/8, a new one each time. */
export function ipv4Addresses(): () => string {
  let n = 0;
  return () => {
    n += 1;
    return `127.${64 + ((n >> 16) & 63)}.${(n >> 8) & 255}.${1 + (n % 254)}`;
  };
}

/** Addresses of one /64, a new one each time. */
export function addressesOfOneNetwork(): () => string {
  let n = 0;
  return () => `${IPV6_NETWORK}:1::${hextet((n += 1) >> 16)}:${hextet(n)}`;
}

/** Addresses of the /48, each in a /64 of its own. */
export function addressesOfManyNetworks(): () => string {
  let n = 0;
  return () => `${IPV6_NETWORK}:${hextet(0x1000 + (n += 1))}::1`;
}

function hextet(n: number): string {
  return (n & 0xffff).toString(16);
}
