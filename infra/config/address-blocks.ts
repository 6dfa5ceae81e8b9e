/** The part of a new VPC that holds the load balancer's subnets: three of 256 addresses, with room for a fourth. */
export function ingressBlock(vpcCidr: string): string {
  return `${vpcCidr.split('/')[0]}/22`;
}

/** The IPv4 network that a CIDR's address is in: `10.42.5.0/16` -> `10.42.0.0/16`. */
export function networkOf(cidr: string): string {
  const bits = Number(cidr.split('/')[1]);
  const size = 2 ** (32 - bits);
  const start = Math.floor(first(cidr) / size) * size;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join('.')}/${bits}`;
}

/** Whether two IPv4 networks share an address. */
export function overlaps(a: string, b: string): boolean {
  const bits = Math.min(Number(a.split('/')[1]), Number(b.split('/')[1]));
  const size = 2 ** (32 - bits);
  return Math.floor(first(a) / size) === Math.floor(first(b) / size);
}

function first(cidr: string): number {
  const [address = ''] = cidr.split('/');
  return address.split('.').reduce((value, part) => value * 256 + Number(part), 0);
}
