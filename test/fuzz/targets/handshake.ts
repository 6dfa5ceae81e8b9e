import { ClientHandshake } from '../../../service/protocol/handshake/client-handshake';
import { ServerHandshake } from '../../../service/protocol/handshake/server-handshake';
import { ProtocolError } from '../../../service/protocol/protocol-errors';
import { makeC1, s2AnswersC1, serverDigestIsValid } from '../../vectors/digest-handshake-vectors';
import { Input, pieces } from '../engine/input';
import { must, type Target } from '../engine/target';

const PACKET_BYTES = 1536;
/** S0, S1 and S2. */
const REPLY_BYTES = 1 + 2 * PACKET_BYTES;
/** Bytes at an input's beginning: how the rest is cut, and what follows the handshake in it. */
const CUT_BYTES = 8;
const filler = Buffer.alloc(PACKET_BYTES, 0x5a);
const random = (bytes: number): Buffer => Buffer.alloc(bytes, 0xa5);

/** One answer, of the right size, as soon as C1 is complete; in pieces or whole the same. */
export const target: Target = {
  name: 'handshake',
  reads: 'the handshake of server and client side, plain and with digests',
  maxLength: 3_200,
  seeds: () => {
    const connection = (c1: Buffer): Buffer =>
      Buffer.concat([Buffer.alloc(CUT_BYTES, 39), Buffer.of(3), c1, Buffer.alloc(PACKET_BYTES, 1), Buffer.of(2, 0, 0)]);
    return [connection(Buffer.alloc(PACKET_BYTES)), connection(makeC1(filler, 0)), connection(makeC1(filler, 1))];
  },
  run(data) {
    const bytes = data.subarray(CUT_BYTES);
    const cuts = (): Input => new Input(data.subarray(0, CUT_BYTES));
    for (const make of [() => new ServerHandshake(random), () => new ClientHandshake(random)]) {
      const whole = shake(make(), [bytes]);
      const cut = shake(make(), pieces(bytes, cuts()));
      must(whole.fault === cut.fault || bytes[0] !== 3, 'pieces have another fault than the whole');
      must(whole.consumed === cut.consumed, 'of pieces another number of bytes belongs to the handshake');
      must(whole.reply?.toString('latin1') === cut.reply?.toString('latin1'), 'pieces are answered in another way');
    }
    answered(bytes);
  },
};

interface Shaken {
  consumed: number;
  reply?: Buffer;
  fault?: string;
}

function shake(handshake: ServerHandshake | ClientHandshake, parts: readonly Buffer[]): Shaken {
  const shaken: Shaken = { consumed: 0 };
  try {
    for (const part of parts) {
      const consumed = handshake.read(part, 0, part.length);
      must(consumed >= 0 && consumed <= part.length, 'more was consumed than there is');
      must(consumed === part.length || handshake.done, 'the handshake leaves bytes that belong to it');
      shaken.consumed += consumed;
      const reply = handshake.takeReply();
      must(reply === undefined || shaken.reply === undefined, 'a second answer');
      if (reply !== undefined) shaken.reply = reply;
      must(handshake.takeReply() === undefined, 'an answer is given twice');
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    must(error.code === 'bad_version', 'a fault that is not declared');
    shaken.fault = error.message;
  }
  return shaken;
}

/** The answer to a client with a digest proves that C1 was read, by another implementation of the digests. */
function answered(bytes: Buffer): void {
  if (bytes[0] !== 3 || bytes.length < 1 + PACKET_BYTES) return;
  const { reply } = shake(new ServerHandshake(random), [bytes]);
  must(reply?.length === REPLY_BYTES && reply[0] === 3, 'not the answer of a server');
  const c1 = bytes.subarray(1, 1 + PACKET_BYTES);
  const s1 = reply.subarray(1, 1 + PACKET_BYTES);
  const s2 = reply.subarray(1 + PACKET_BYTES);
  if (s2.equals(c1)) return;
  const isProven = ([0, 1] as const).some((schema) => s2AnswersC1(s2, c1, schema) && serverDigestIsValid(s1, schema));
  must(isProven, 'neither the plain answer nor that of a digest');
}
