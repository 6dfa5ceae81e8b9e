import type { NodeAddress } from '../life-store';

/**
 * Reads a node's registration. Text that is not JSON was not written by a node, and counts as empty; a number that is no
 * port becomes 0, to which no connection can be made.
 */
export function readAddress(json: string): NodeAddress {
  const { id, incarnation, host, port, proxyHeader, draining, httpPort } = parse(json);
  return {
    id: text(id),
    incarnation: text(incarnation),
    host: text(host),
    port: isPort(port) ? port : 0,
    proxyHeader: proxyHeader === true,
    draining: draining === true,
    ...(isPort(httpPort) && { httpPort }),
  };
}

function parse(json: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(json)) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
