import { createHmac, randomBytes } from 'node:crypto';

/**
 * The client's side of the handshake. `simple` is RTMP 1.0 section 5.2; the digest forms are what Flash Player 9.0.115
 * and newer send, with the digest in the first half of C1 (`digest-first`) or in the second (`key-first`).
 */
export type HandshakeForm = 'simple' | 'digest-first' | 'key-first';

const halfSize = 1536;
const digestSize = 32;
const playerKey = Buffer.from('Genuine Adobe Flash Player 001');
const serverKey = Buffer.from('Genuine Adobe Flash Media Server 001');
const commonKey = Buffer.from('f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae', 'hex');

export class ClientHandshake {
  readonly c0c1: Buffer;
  readonly c1: Buffer;

  constructor(readonly form: HandshakeForm = 'simple') {
    this.c1 = randomBytes(halfSize);
    this.c1.fill(0, 0, 8);
    if (form !== 'simple') {
      this.c1.writeUInt32BE(0x80000702, 4); // a version other than 0 announces the digest
      const at = digestOffset(this.c1, form);
      digestOf(this.c1, at, playerKey).copy(this.c1, at);
    }
    this.c0c1 = Buffer.concat([Buffer.of(3), this.c1]);
  }

  /** How many bytes S0, S1 and S2 have together. */
  static readonly answerSize = 1 + 2 * halfSize;

  /** Checks S0S1S2 and gives C2. Throws the fault of the answer. */
  finish(answer: Buffer): Buffer {
    const s1 = answer.subarray(1, 1 + halfSize);
    const s2 = answer.subarray(1 + halfSize, ClientHandshake.answerSize);
    if (answer[0] !== 3) throw new Error(`S0 is ${answer[0]}`);
    if (this.form === 'simple') {
      if (!s2.equals(this.c1)) throw new Error('S2 is not C1');
    } else {
      this.#checkDigests(s1, s2, this.form);
    }
    return Buffer.from(s1);
  }

  #checkDigests(s1: Buffer, s2: Buffer, form: 'digest-first' | 'key-first'): void {
    const at = digestOffset(s1, form);
    if (!digestOf(s1, at, serverKey).equals(s1.subarray(at, at + digestSize)))
      throw new Error('the digest of S1 is wrong');
    const c1At = digestOffset(this.c1, form);
    const c1Digest = this.c1.subarray(c1At, c1At + digestSize);
    const key = hmac(Buffer.concat([serverKey, commonKey]), c1Digest);
    const signature = hmac(key, s2.subarray(0, halfSize - digestSize));
    if (!signature.equals(s2.subarray(halfSize - digestSize))) throw new Error('the digest of S2 is wrong');
  }
}

function digestOffset(half: Buffer, form: 'digest-first' | 'key-first'): number {
  const base = form === 'digest-first' ? 8 : 772;
  const sum = half[base]! + half[base + 1]! + half[base + 2]! + half[base + 3]!;
  return base + 4 + (sum % 728);
}

function digestOf(half: Buffer, at: number, key: Buffer): Buffer {
  return hmac(key, Buffer.concat([half.subarray(0, at), half.subarray(at + digestSize)]));
}

const hmac = (key: Buffer, data: Buffer): Buffer => createHmac('sha256', key).update(data).digest();
