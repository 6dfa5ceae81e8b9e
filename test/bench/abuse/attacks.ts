import { Redis } from 'ioredis';
import { connect as connectTls } from 'node:tls';
import { encodeMessage, messageType } from '../wire/chunk-encoding';
import type { Attack, AttackContext } from './attack';
import { block, command, connected, HANDSHAKE, message, PING, PING_AGAIN } from './attacker-bytes';
import { flood, open, pause } from './flood';

/** Connections that one address may have by default (MAX_IP_CONCURRENT_CONNECTIONS). */
const LIMIT = 4;
const STREAM_ID = 1;
const KEY = 'key';

const publish = command(STREAM_ID, ['publish', 3, null, KEY, 'live']);
const play = command(STREAM_ID, ['play', 3, null, KEY]);
const closeStream = command(STREAM_ID, ['closeStream', 0, null]);

/** Sends an opening, then floods the connection with the same message. */
function commandFlood(name: string, title: string, opening: Buffer, repeated: Buffer, reads = true): Attack {
  const run = (context: AttackContext): Promise<void> =>
    flood(context, { opening, repeated: block(repeated), connections: LIMIT, reads });
  return { name, title, run };
}

const aacFrame = Buffer.from([0xaf, 1, 0]);
/** An aggregate of audio messages of one byte: type, length, time, stream, payload, back pointer. */
const aggregate = message(
  22,
  STREAM_ID,
  block(Buffer.from('08000001000000000000000b0000000c', 'hex').subarray(0, 16), 900_000),
);

function videoFrame(payloadBytes: number, keyframe: boolean, timestamp: number): Buffer {
  const payload = Buffer.alloc(payloadBytes);
  payload[0] = keyframe ? 0x17 : 0x27;
  payload[1] = 1;
  return encodeMessage(
    { chunkStreamId: 6, type: messageType.video, messageStreamId: STREAM_ID, timestamp },
    payload,
    4096,
  );
}

/** All attacks of `npm run bench -- abuse`, by a client at one address within its connection limit. */
export const attacks: readonly Attack[] = [
  {
    name: 'nobody',
    title: 'no attack',
    run: async (context) => {
      while (context.goesOn()) await pause(100);
    },
  },
  commandFlood('pings', 'pings of 7 bytes before connect', Buffer.concat([HANDSHAKE, PING]), PING_AGAIN),
  commandFlood('pings-unread', 'the same, answers left unread', Buffer.concat([HANDSHAKE, PING]), PING_AGAIN, false),
  commandFlood(
    'pings-128',
    'pings of 128 bytes',
    HANDSHAKE,
    message(4, 0, Buffer.concat([Buffer.from([0, 6, 0, 0, 0, 1]), Buffer.alloc(122)])),
  ),
  commandFlood('fcpublish', 'FCPublish after connect', connected('a'), command(0, ['FCPublish', 5, null, KEY])),
  commandFlood('create-stream', 'createStream after connect', connected('a'), command(0, ['createStream', 5, null])),
  commandFlood('unknown', 'an unknown command', connected('a'), command(0, ['whatever', 5, null])),
  commandFlood(
    'broken-amf',
    'commands that cannot be read',
    connected('a'),
    message(messageType.command, 0, Buffer.from([2, 0, 9, 65])),
  ),
  commandFlood(
    'fcpublish-unread',
    'FCPublish, answers left unread',
    connected('a'),
    command(0, ['FCPublish', 5, null, KEY]),
    false,
  ),
  commandFlood(
    'idle-player-pings',
    'a player of a channel that nobody publishes, pings left unread',
    Buffer.concat([connected('a'), play, PING]),
    PING_AGAIN,
    false,
  ),
  commandFlood('play-close', 'play and closeStream in turn', connected('absent'), Buffer.concat([play, closeStream])),
  {
    ...commandFlood(
      'play-close-fleet',
      'play and closeStream in turn, with a fleet',
      connected('absent'),
      Buffer.concat([play, closeStream]),
    ),
    needs: ['redis'],
  },
  commandFlood(
    'publish-empty',
    'publish with an empty key',
    connected('a'),
    command(STREAM_ID, ['publish', 3, null, '', 'live']),
  ),
  commandFlood(
    'aggregates',
    'a publisher of aggregates of one-byte parts',
    Buffer.concat([connected('aggregates'), publish]),
    aggregate,
  ),
  commandFlood(
    'tiny-media',
    'a publisher of audio messages of three bytes',
    Buffer.concat([connected('tiny'), publish]),
    message(messageType.audio, STREAM_ID, aacFrame),
  ),
  commandFlood(
    'unknown-type',
    'a publisher of messages of an unknown type',
    Buffer.concat([connected('odd'), publish]),
    message(99, STREAM_ID, Buffer.alloc(60_000)),
  ),
  { name: 'endless-gop', title: 'four publishers whose group of pictures never ends', run: endlessGops },
  {
    name: 'endless-gop-budget',
    title: 'the same, with MEMORY_BUDGET_MB=512',
    env: { MEMORY_BUDGET_MB: '512' },
    run: endlessGops,
  },
  {
    name: 'endless-gop-16',
    title: 'the same, with GOP_CACHE_SIZE_MB=16',
    env: { GOP_CACHE_SIZE_MB: '16' },
    run: endlessGops,
  },
  {
    name: 'unpause',
    title: 'a publisher, and three players that unpause without reading',
    async run(context) {
      const gop = Array.from({ length: 200 }, (_, i) => videoFrame(20_000, i === 0, i * 10));
      const publisher = flood(context, {
        ...{ opening: Buffer.concat([connected('paused'), publish, ...gop]), repeated: Buffer.alloc(0) },
        ...{ connections: 1, reads: true },
      });
      await pause(300);
      const pauses = Buffer.concat([true, false].map((on) => command(2, ['pause', 0, null, on, 0])));
      const player = Buffer.concat([
        connected('paused'),
        command(0, ['createStream', 3, null]),
        command(2, ['play', 4, null, KEY]),
      ]);
      await Promise.all([
        publisher,
        flood(context, { opening: player, repeated: pauses, connections: 3, reads: false, maxBytes: 200_000 }),
      ]);
    },
  },
  {
    name: 'publish-reset',
    title: 'publish, then reset at once, again and again; the handler takes 0.3 s',
    needs: ['callback'],
    run: (context) => publishAndReset(context, ''),
  },
  {
    name: 'publish-reset-query',
    title: 'the same with queries of 60 KB',
    needs: ['callback'],
    run: (context) => publishAndReset(context, `?${'q'.repeat(60_000)}`),
  },
  {
    name: 'connect-flood',
    title: 'connections that are opened and reset, as many as can be',
    run: (context) => churn(context, HANDSHAKE),
  },
  {
    name: 'silent-proxied',
    title: 'connections of one client that send a PROXY header and nothing more',
    needs: ['proxy'],
    run: (context) => silent(context, 10_050, Buffer.alloc(0)),
  },
  { name: 'silent', title: 'connections that say nothing', run: (context) => silent(context, 10_050, Buffer.alloc(0)) },
  {
    name: 'half-open-tls',
    title: 'TLS handshakes that are begun and left',
    needs: ['tls'],
    run: (context) => silent(context, 2_000, clientHello(), context.tlsPort),
  },
  { name: 'tls-hellos', title: 'TLS handshakes, as many as can be', needs: ['tls'], run: tlsChurn },
  {
    name: 'slow-http',
    title: 'HTTP requests whose headers never end',
    needs: ['http'],
    run: (context) =>
      silent(context, 512, Buffer.from('GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: '), context.httpPort),
  },
  {
    name: 'redis-commands',
    title: 'whoever may publish to Redis floods its channel',
    needs: ['redis'],
    run: redisFlood,
  },
];

async function endlessGops(context: AttackContext): Promise<void> {
  const one = (index: number): Promise<void> => {
    const opening = Buffer.concat([connected(`gop-${index}`), publish, videoFrame(60_000, true, 0)]);
    return flood(context, { opening, repeated: videoFrame(60_000, false, 1), connections: 1, reads: true });
  };
  await Promise.all(Array.from({ length: LIMIT }, (_, index) => one(index)));
}

/** Publishes on separate channels, and disconnects while the handler is asked. */
async function publishAndReset(context: AttackContext, query: string): Promise<void> {
  const opening = Buffer.concat([
    connected('victim'),
    command(STREAM_ID, ['publish', 3, null, `${KEY}${query}`, 'live']),
  ]);
  await churn(context, opening);
}

async function churn(context: AttackContext, opening: Buffer): Promise<void> {
  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = open(context);
      socket.on('error', () => undefined).on('close', () => resolve());
      socket.once('connect', () => {
        const bytes = Buffer.concat([Buffer.from(context.preambleHex, 'hex'), opening]);
        context.spent.bytes += bytes.length;
        socket.write(bytes, () => setTimeout(() => socket.resetAndDestroy(), 2));
      });
    });
  const again = async (): Promise<void> => {
    while (context.goesOn()) await once();
  };
  await Promise.all(Array.from({ length: LIMIT }, again));
}

/** Keeps `count` connections open that send the same first bytes and then nothing; those that end are opened again. */
async function silent(context: AttackContext, count: number, first: Buffer, port = context.port): Promise<void> {
  const sockets = new Set<ReturnType<typeof open>>();
  while (context.goesOn()) {
    for (let i = 0; i < 50 && sockets.size < count; i += 1) {
      const socket = open(context, port);
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
      const bytes = Buffer.concat([Buffer.from(context.preambleHex, 'hex'), first]);
      context.spent.bytes += bytes.length;
      if (bytes.length > 0) socket.write(bytes);
    }
    await pause(5);
  }
  for (const socket of sockets) socket.destroy();
}

async function tlsChurn(context: AttackContext): Promise<void> {
  const again = async (): Promise<void> => {
    while (context.goesOn()) {
      await new Promise<void>((resolve) => {
        const socket = connectTls({ socket: open(context, context.tlsPort), rejectUnauthorized: false });
        socket.on('error', () => undefined).on('close', () => resolve());
        socket.once('secureConnect', () => {
          context.spent.bytes += socket.bytesWritten;
          socket.destroy();
        });
      });
    }
  };
  await Promise.all(Array.from({ length: LIMIT }, again));
}

async function redisFlood(context: AttackContext): Promise<void> {
  const redis = new Redis({ host: context.host, port: context.redisPort });
  context.spent.connections += 1;
  while (context.goesOn()) {
    const batch = redis.pipeline();
    for (let i = 0; i < 500; i += 1) batch.publish('rtmp_commands', `block>nobody-${i}|60`);
    context.spent.bytes += 500 * 60;
    await batch.exec();
  }
  redis.disconnect();
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
