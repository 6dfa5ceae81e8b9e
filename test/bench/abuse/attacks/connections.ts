import { encodeMessage, messageType } from '../../wire/chunk-encoding';
import { addressesOfManyNetworks, addressesOfOneNetwork, ipv4Addresses } from '../addresses';
import type { Attack, AttackContext } from '../attack';
import { command, connected, HANDSHAKE, proxyHeader } from '../attacker-bytes';
import { churn, flood, pause, silent } from '../flood';

const PER_ADDRESS = 'MAX_IP_CONCURRENT_CONNECTIONS 4, MAX_IP_CONNECTIONS_PER_SECOND 20';
const UNPROVEN = 'MAX_UNPROVEN_CONNECTIONS 4,096: the oldest gives way';
/** Connections that somebody with many addresses opens at a time. */
const MANY = 200;

/** A publish of a channel that nobody else has. */
const publishing = (channel: string): Buffer =>
  Buffer.concat([connected(channel), command(1, ['publish', 3, null, 'key', 'live'])]);

/** Connections, of one address and of many, that do nothing or little. */
export const connectionAttacks: readonly Attack[] = [
  {
    name: 'nobody',
    title: 'no attack',
    bound: '',
    run: async (context) => {
      while (context.goesOn()) await pause(100);
    },
  },
  {
    name: 'connect-flood',
    title: 'connections that are opened and reset, as many as can be',
    bound: PER_ADDRESS,
    run: (context) => churn(context, HANDSHAKE),
  },
  {
    name: 'connect-flood-many',
    title: 'the same from ever new IPv4 addresses',
    bound: UNPROVEN,
    run: (context) => churn(context, HANDSHAKE, ipv4Addresses()),
  },
  {
    name: 'connect-flood-64',
    title: 'the same from the addresses of one IPv6 /64',
    bound: PER_ADDRESS,
    needs: ['ipv6'],
    run: (context) => churn(context, HANDSHAKE, addressesOfOneNetwork()),
  },
  {
    name: 'connect-flood-48',
    title: 'the same from ever new /64 networks of one IPv6 /48',
    bound: UNPROVEN,
    needs: ['ipv6'],
    run: (context) => churn(context, HANDSHAKE, addressesOfManyNetworks()),
  },
  {
    name: 'silent',
    title: 'connections that say nothing',
    bound: `${PER_ADDRESS}, HANDSHAKE_MS 10 s`,
    run: (context) => silent(context, 10_050, Buffer.alloc(0)),
  },
  {
    name: 'silent-many',
    title: 'the same from ever new IPv4 addresses',
    bound: UNPROVEN,
    run: (context) => silent(context, 10_050, Buffer.alloc(0), { from: ipv4Addresses() }),
  },
  {
    name: 'descriptors',
    title: 'the same, and the server may open 512 descriptors',
    bound: 'maxConnections(): a part of ulimit -n is not for clients',
    descriptors: 512,
    run: (context) => silent(context, 3_000, Buffer.alloc(0), { from: ipv4Addresses() }),
  },
  {
    name: 'slow-handshake',
    title: 'a byte of the handshake every 50 ms, from 200 addresses',
    bound: 'HANDSHAKE_MS 10 s',
    run: (context) =>
      flood(context, {
        ...{ opening: Buffer.from([3]), repeated: Buffer.alloc(1), connections: MANY, reads: true },
        ...{ pauseMs: 50, from: ipv4Addresses() },
      }),
  },
  {
    name: 'slow-bytes',
    title: '200 publishers from 200 addresses that send a byte at a time, without a pause',
    bound: 'the publisher pays as much: one system call a byte each',
    run: (context) => slowBytes(context, MANY),
  },
  {
    name: 'publish-many',
    title: 'publishers of channels of their own from ever new IPv4 addresses, reset once they publish',
    bound: 'the event loop takes turns; with a callback 240 questions at a time',
    run: (context) => churn(context, publishing('stranger'), ipv4Addresses(), 20),
  },
  {
    name: 'silent-proxied',
    title: 'connections of one client that send a PROXY header and nothing more',
    bound: `${PER_ADDRESS}, for the client that the header names`,
    needs: ['proxy'],
    run: (context) => silent(context, 10_050, Buffer.alloc(0)),
  },
  {
    name: 'silent-proxied-many',
    title: 'the same, and each names another client',
    bound: UNPROVEN,
    needs: ['proxy'],
    run: (context) => silent(context, 10_050, Buffer.alloc(0), { preamble: () => proxyHeader(randomClient()) }),
  },
  {
    name: 'no-proxy-header',
    title: 'connections of the load balancer without a PROXY header',
    bound: 'proxy-stage.ts: DEADLINE_MS 10 s, and the first byte that does not fit',
    needs: ['proxy'],
    run: (context) => churn({ ...context, preambleHex: '' }, HANDSHAKE),
  },
  {
    name: 'forged-proxy-header',
    title: 'PROXY headers, each for another client, from an address that is no load balancer',
    bound: 'PROXY_TRUSTED',
    needs: ['proxy'],
    env: { PROXY_TRUSTED: '127.0.0.3' },
    run: (context) => churn({ ...context, preambleHex: '' }, Buffer.concat([proxyHeader(randomClient()), HANDSHAKE])),
  },
  {
    name: 'long-proxy-header',
    title: 'PROXY v2 headers of 64 KB that come slowly, one connection for each of 200',
    bound: 'MAX_VARIABLE_BYTES 2,048',
    needs: ['proxy'],
    run: (context) =>
      flood(
        { ...context, preambleHex: '' },
        {
          opening: Buffer.from('0d0a0d0a000d0a515549540a2111ffff', 'hex'),
          ...{ repeated: Buffer.alloc(16), connections: MANY, reads: true, pauseMs: 50 },
        },
      ),
  },
];

let clients = 0;

function randomClient(): string {
  clients += 1;
  return `198.18.${(clients >> 8) & 255}.${clients & 255}`;
}

async function slowBytes(context: AttackContext, count: number): Promise<void> {
  const frame = encodeMessage(
    { chunkStreamId: 6, type: messageType.video, messageStreamId: 1, timestamp: 0 },
    Buffer.concat([Buffer.from([0x17, 1]), Buffer.alloc(998)]),
    4096,
  );
  const addresses = ipv4Addresses();
  const one = async (index: number): Promise<void> => {
    const opening = publishing(`slow-${index}`);
    await flood(context, { opening, repeated: frame, connections: 1, reads: true, bytesAtATime: 1, from: addresses });
  };
  await Promise.all(Array.from({ length: count }, (_, index) => one(index)));
}
