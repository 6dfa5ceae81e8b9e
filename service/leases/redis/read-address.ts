import type { NodeAddress } from '../life-store';

/** Reads a node's registration. Text that is not JSON was not written by a node, and counts as empty. */
export function readAddress(json: string): NodeAddress {
  const { id, incarnation, host, port, proxyHeader, draining, httpPort } = parse(json);
  return {
    id: text(id),
    incarnation: text(incarnation),
    host: text(host),
    port: Number(port),
    proxyHeader: proxyHeader === true,
    draining: draining === true,
    ...(Number.isInteger(httpPort) && { httpPort: Number(httpPort) }),
  };
}

function parse(json: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(json)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
