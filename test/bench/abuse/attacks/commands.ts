import { messageType } from '../../wire/chunk-encoding';
import type { Attack, AttackContext } from '../attack';
import { block, command, connected, HANDSHAKE, message, PING, PING_AGAIN } from '../attacker-bytes';
import { flood } from '../flood';

/** Connections that one address may have by default (MAX_IP_CONCURRENT_CONNECTIONS). */
const LIMIT = 4;
const STREAM_ID = 1;
const KEY = 'key';
const STRANGER = 'STRANGER 300 units and 50 a second for each connection';
const UNREAD = `${STRANGER}, MAX_UNSENT_BYTES 64 KB`;

const play = command(STREAM_ID, ['play', 3, null, KEY]);
const closeStream = command(STREAM_ID, ['closeStream', 0, null]);

interface CommandFlood {
  readonly name: string;
  readonly title: string;
  readonly opening: Buffer;
  readonly repeated: Buffer;
  readonly bound?: string;
  readonly reads?: boolean;
}

/** Sends an opening, then floods the connection with the same message. */
function commandFlood({ name, title, opening, repeated, bound = STRANGER, reads = true }: CommandFlood): Attack {
  const run = (context: AttackContext): Promise<void> =>
    flood(context, { opening, repeated: block(repeated), connections: LIMIT, reads });
  return { name, title, bound, run };
}

/** A `connect` whose object nests as deep as the bytes go, or has as many members. */
function bomb(kind: 'deep' | 'wide' | 'long'): Buffer {
  const string = (text: string): Buffer => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text, 'latin1')]);
  const name = Buffer.concat([Buffer.from([2]), string('connect'), Buffer.from([0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0])]);
  const deep = Buffer.concat(Array<Buffer>(12_000).fill(Buffer.concat([Buffer.from([3]), string('a')])));
  const wide = Buffer.concat([
    Buffer.from([3]),
    ...Array.from({ length: 8_000 }, (_, index) => Buffer.concat([string(index.toString(36)), Buffer.from([5])])),
  ]);
  /** An array that claims 4 billion members. */
  const long = Buffer.concat([Buffer.from([8, 0xff, 0xff, 0xff, 0xff]), string('a'), Buffer.from([5])]);
  return message(messageType.command, 0, Buffer.concat([name, { deep, wide, long }[kind]]));
}

/** Floods of commands and pings, by a client at one address within its connection limit. */
export const commandAttacks: readonly Attack[] = [
  commandFlood({
    ...{ name: 'pings', title: 'pings of 7 bytes before connect' },
    ...{ opening: Buffer.concat([HANDSHAKE, PING]), repeated: PING_AGAIN },
  }),
  commandFlood({
    ...{ name: 'pings-unread', title: 'the same, answers left unread', reads: false, bound: UNREAD },
    ...{ opening: Buffer.concat([HANDSHAKE, PING]), repeated: PING_AGAIN },
  }),
  commandFlood({
    ...{ name: 'pings-128', title: 'pings of 128 bytes', opening: HANDSHAKE },
    repeated: message(4, 0, Buffer.concat([Buffer.from([0, 6, 0, 0, 0, 1]), Buffer.alloc(122)])),
  }),
  commandFlood({
    ...{ name: 'fcpublish', title: 'FCPublish after connect', opening: connected('a') },
    repeated: command(0, ['FCPublish', 5, null, KEY]),
  }),
  commandFlood({
    ...{ name: 'fcpublish-unread', title: 'the same, answers left unread', reads: false, bound: UNREAD },
    ...{ opening: connected('a'), repeated: command(0, ['FCPublish', 5, null, KEY]) },
  }),
  commandFlood({
    ...{ name: 'create-stream', title: 'createStream after connect', opening: connected('a') },
    repeated: command(0, ['createStream', 5, null]),
  }),
  commandFlood({
    ...{ name: 'unknown', title: 'an unknown command', opening: connected('a') },
    repeated: command(0, ['whatever', 5, null]),
  }),
  commandFlood({
    ...{ name: 'broken-amf', title: 'commands that cannot be read', opening: connected('a') },
    repeated: message(messageType.command, 0, Buffer.from([2, 0, 9, 65])),
  }),
  ...(['deep', 'wide', 'long'] as const).map((kind) =>
    commandFlood({
      name: `amf-${kind}`,
      title: {
        deep: 'connect with an object of 12,000 levels',
        wide: 'connect with an object of 8,000 members',
        long: 'connect with an array that claims 4 billion members',
      }[kind],
      bound: `MAX_AMF_DEPTH 16, MAX_AMF_ENTRIES 4,096, ${STRANGER}`,
      ...{ opening: HANDSHAKE, repeated: bomb(kind) },
    }),
  ),
  commandFlood({
    ...{ name: 'publish-empty', title: 'publish with an empty key', opening: connected('a') },
    repeated: command(STREAM_ID, ['publish', 3, null, '', 'live']),
  }),
  commandFlood({
    ...{ name: 'idle-player-pings', title: 'a player of a channel that nobody publishes, pings left unread' },
    ...{ opening: Buffer.concat([connected('a'), play, PING]), repeated: PING_AGAIN, reads: false, bound: STRANGER },
  }),
  commandFlood({
    ...{ name: 'play-close', title: 'play and closeStream in turn' },
    ...{ opening: connected('absent'), repeated: Buffer.concat([play, closeStream]) },
  }),
  {
    ...commandFlood({
      ...{ name: 'play-close-fleet', title: 'the same in a fleet', bound: `${STRANGER}, lookups.ts: 250 a second` },
      ...{ opening: connected('absent'), repeated: Buffer.concat([play, closeStream]) },
    }),
    needs: ['redis'],
  },
];
