import type { StopRecord } from '../../auth/stop-record';
import type { Lease, NodeAddress } from '../lease-registry';

type Fields = Readonly<Record<string, unknown>>;

/** Reads a lease as the registry's scripts return it: all values are text. */
export function readLease(channel: string, json: string): Lease {
  const fields = parse(json);
  const state = text(fields.state);
  return {
    channel,
    node: text(fields.node),
    incarnation: text(fields.incarnation),
    publishId: text(fields.publishId),
    state: state === 'live' || state === 'held' ? state : 'starting',
    streamId: text(fields.streamId),
    startJti: text(fields.startJti),
    ...(Number(fields.beganAt) > 0 && { beganAt: Number(fields.beganAt) }),
    keyHash: text(fields.keyHash),
    playKeyHash: text(fields.playKeyHash),
    startedAt: Number(fields.startedAt),
    lastTimestamp: Number(fields.lastTimestamp),
    keeps: fields.keeps === '1',
  };
}

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

/** Reads a stop without its sealed values; `sealed` is empty where there are none. */
export function readStop(json: string): StopRecord & { readonly sealed: string } {
  const { jti, channel, clientIp, streamId, startJti, beganAt, sealed } = parse(json);
  return {
    jti: text(jti),
    channel: text(channel),
    key: '',
    clientIp: text(clientIp),
    query: '',
    streamId: text(streamId),
    ...(typeof startJti === 'string' && { startJti }),
    ...(typeof beganAt === 'number' && { beganAt }),
    sealed: text(sealed),
  };
}

/** A list of names; Lua writes an empty list as an empty object. */
export function readNames(json: string | undefined): string[] {
  const list = parse(json ?? '');
  return Array.isArray(list) ? list.map(String) : [];
}

/** Text that is not JSON was not written by a node, and counts as empty. */
function parse(json: string): Fields {
  try {
    return Object(JSON.parse(json)) as Fields;
  } catch {
    return {};
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
