import { connect as connectTls } from 'node:tls';
import { Tls13Records } from '../../../support/servers/tls13-records';
import { addressesOfManyNetworks, ipv4Addresses } from '../addresses';
import type { Attack, AttackContext } from '../attack';
import { command, connected } from '../attacker-bytes';
import { lanes, open, pause, silent } from '../flood';

const PER_ADDRESS = 'MAX_IP_CONNECTIONS_PER_SECOND 20';
/** Records or handshakes that are under way at a time. */
const AT_ONCE = 4;
const MANY = 32;

/** Attacks on TLS that the node ends itself. */
export const tlsAttacks: readonly Attack[] = [
  {
    name: 'half-open-tls',
    title: 'TLS handshakes that are begun and left',
    bound: `${PER_ADDRESS}, HANDSHAKE_MS 10 s`,
    needs: ['tls'],
    run: (context) => silent(context, 2_000, clientHello(), { port: context.tlsPort }),
  },
  {
    name: 'tls-hellos',
    title: 'TLS handshakes, as many as can be',
    bound: PER_ADDRESS,
    needs: ['tls'],
    run: (context) => handshakes(context, AT_ONCE),
  },
  {
    name: 'tls-hellos-many',
    title: 'the same from ever new IPv4 addresses',
    bound: 'HANDSHAKES_PER_TURN 4',
    needs: ['tls'],
    run: (context) => handshakes(context, MANY, ipv4Addresses()),
  },
  {
    name: 'tls-hellos-48',
    title: 'the same from ever new /64 networks of one IPv6 /48',
    bound: 'HANDSHAKES_PER_TURN 4',
    needs: ['tls', 'ipv6'],
    run: (context) => handshakes(context, MANY, addressesOfManyNetworks()),
  },
  {
    name: 'half-open-tls-many',
    title: 'hellos of 120 bytes from ever new IPv4 addresses, answers left unread',
    bound: 'HANDSHAKES_PER_TURN 4',
    needs: ['tls'],
    run: (context) => silent(context, 10_000, clientHello(), { port: context.tlsPort, from: ipv4Addresses() }),
  },
  {
    name: 'tls-key-updates',
    title: 'records that do nothing but change the key',
    bound: 'key-updates.ts: SECRETS 128, and one for 32 KB',
    needs: ['tls'],
    run: (context) =>
      records(context, (client) => Buffer.concat(Array.from({ length: 200 }, () => client.keyUpdate()))),
  },
  {
    name: 'tls-tiny-records',
    title: 'publishers whose records hold a byte each',
    bound: 'EVENTS_PER_TURN 32',
    needs: ['tls'],
    run: (context) =>
      records(context, (client) => Buffer.concat(Array.from({ length: 200 }, () => client.data(Buffer.from([0xc3]))))),
  },
];

async function handshakes(context: AttackContext, atOnce: number, from?: () => string): Promise<void> {
  await lanes(atOnce, async () => {
    while (context.goesOn()) {
      await new Promise<void>((resolve) => {
        const plain = open(context, { port: context.tlsPort, from: from?.() });
        const socket = connectTls({ socket: plain, rejectUnauthorized: false });
        plain.on('error', () => undefined);
        socket.on('error', () => undefined).on('close', () => resolve());
        socket.once('secureConnect', () => {
          context.spent.bytes += plain.bytesWritten;
          socket.destroy();
        });
      });
    }
  });
}

/** Sends what `more` makes on connections that publish. */
async function records(context: AttackContext, more: (client: Tls13Records) => Buffer): Promise<void> {
  await lanes(AT_ONCE, async (index) => {
    while (context.goesOn()) {
      const client = await Tls13Records.open(context.tlsPort, context.localAddress).catch(() => undefined);
      if (client === undefined) {
        await pause(5);
        continue;
      }
      context.spent.connections += 1;
      const write = (bytes: Buffer): boolean => {
        context.spent.bytes += bytes.length;
        return client.socket.write(bytes);
      };
      const publish = command(1, ['publish', 3, null, 'key', 'live']);
      write(client.data(Buffer.concat([connected(`records-${index}`), publish])));
      while (context.goesOn() && !client.socket.destroyed) {
        if (!write(more(client))) await drained(client);
        else await pause(0);
      }
      client.socket.destroy();
    }
  });
}

function drained({ socket }: Tls13Records): Promise<void> {
  return new Promise((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', () => resolve());
    setTimeout(resolve, 200);
  });
}

/**
 * The first flight of a TLS 1.2 handshake (RFC 5246, 7.4.1.2): enough for the server to answer with its certificate.
 */
function clientHello(): Buffer {
  const body = Buffer.concat([
    Buffer.from('0303', 'hex'),
    Buffer.alloc(32, 7),
    Buffer.from('00', 'hex'),
    Buffer.from('0004c02bc02f', 'hex'),
    Buffer.from('0100', 'hex'),
    extensions(),
  ]);
  const handshake = Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 0xff]), body]);
  return Buffer.concat([Buffer.from([22, 3, 1, handshake.length >> 8, handshake.length & 0xff]), handshake]);
}

/** supported_groups (P-256), ec_point_formats and signature_algorithms (ECDSA and RSA with SHA-256). */
function extensions(): Buffer {
  const list = Buffer.from('000a000400020017' + '000b00020100' + '000d0006000404030401', 'hex');
  return Buffer.concat([Buffer.from([list.length >> 8, list.length & 0xff]), list]);
}
