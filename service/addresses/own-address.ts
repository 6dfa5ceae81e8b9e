import { networkInterfaces } from 'node:os';

/** The address by which other machines reach this one, as far as can be told; the loopback where there is none. */
export function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
