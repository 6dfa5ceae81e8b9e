import { SessionRig } from '../../service/session/session-rig';
import { captures } from '../../integration/hostile/captures';
import { ChunkDecoder } from '../../support/rtmp/wire-reader';
import { Input, pieces } from '../engine/input';
import { must, type Target } from '../engine/target';

const CUT_BYTES = 16;
/** C0, C1 and C2. */
const SHAKE = Buffer.concat([Buffer.of(3), Buffer.alloc(2 * 1536, 7)]);
/** What may be written for each byte that came, and in all at least: a player may get the whole GOP cache. */
const MAX_WRITTEN = { base: 60_000, perByte: 200 };

/** A connection is closed with a code, or goes on; every answer can be read; others do not notice it. */
export const target: Target = {
  name: 'session',
  reads: 'whole RTMP connections of publishers and players, after the handshake',
  maxLength: 3_000,
  cost: 3,
  steps: { base: 200_000, perByte: 2_500 },
  seeds: () =>
    captures('news').map(({ bytes, handshakeEnd }) =>
      Buffer.concat([Buffer.alloc(CUT_BYTES, 39), bytes.subarray(handshakeEnd, handshakeEnd + 2_400)]),
    ),
  async run(data) {
    const rig = new SessionRig();
    const client = rig.open();
    client.bytes(Buffer.from(SHAKE));
    must(client.transport.written.length > 0, 'the handshake is not answered');
    client.transport.written.length = 0;
    const bytes = data.subarray(CUT_BYTES);
    for (const part of pieces(bytes, new Input(data.subarray(0, CUT_BYTES)))) {
      if (client.transport.ended) break;
      client.bytes(part);
      // The decision on a publish.
      await Promise.resolve();
      await Promise.resolve();
    }
    const { written } = client.transport;
    const sent = written.reduce((sum, { length }) => sum + length, 0);
    must(sent <= MAX_WRITTEN.base + MAX_WRITTEN.perByte * bytes.length, 'much is sent for little');
    const decoder = new ChunkDecoder();
    for (const part of written) decoder.push(part);
    rig.advance(1);
    must(rig.closed.length <= 1, 'a connection is closed twice');
    must(rig.closed.length === 0 || client.transport.ended, 'a closed session keeps its connection');
    checkOthers(rig);
  },
};

/** A new client is served. */
function checkOthers(rig: SessionRig): void {
  const other = rig.connected();
  must(!other.transport.ended && other.transport.written.length > 0, 'another client is not served any more');
}
