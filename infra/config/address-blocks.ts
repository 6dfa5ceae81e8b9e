/** The part of a new VPC that holds the load balancer's subnets: three of 256 addresses, with room for a fourth. */
export function ingressBlock(vpcCidr: string): string {
  return `${vpcCidr.split('/')[0]}/22`;
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
