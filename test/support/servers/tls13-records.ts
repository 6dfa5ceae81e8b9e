import { createCipheriv, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const HASH = 'sha384';
const HASH_BYTES = 48;
const APPLICATION_DATA = 23;
const HANDSHAKE = 22;
/** A KeyUpdate message that asks for one in return. */
const KEY_UPDATE = Buffer.from([24, 0, 0, 1, 1]);

/**
 * A TLS 1.3 client that makes its records itself (RFC 8446, sections 5.2 and 7): a library would not send a thousand
 * records of one byte, or key updates without data.
 */
export class Tls13Records {
  #sequence = 0;

  private constructor(
    readonly socket: Socket,
    private secret: Buffer,
  ) {}

  /** Performs the handshake. */
  static async open(port: number, localAddress?: string): Promise<Tls13Records> {
    const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true, ...(localAddress && { localAddress }) });
    socket.on('error', () => {}); // the server may reset the connection
    const client = connectTls({ socket, rejectUnauthorized: false, ciphers: 'TLS_AES_256_GCM_SHA384' });
    client.on('error', () => {});
    let secret = '';
    client.on('keylog', (line: Buffer) => {
      const [label, , value] = line.toString('latin1').trim().split(' ');
      if (label === 'CLIENT_TRAFFIC_SECRET_0') secret = value!;
    });
    await once(client, 'secureConnect');
    return new Tls13Records(socket, Buffer.from(secret, 'hex'));
  }

  /** A record of application data. */
  data(bytes: Buffer): Buffer {
    return this.#record(APPLICATION_DATA, bytes);
  }

  /** A record that does nothing but change the client's key and ask the server to change its own. */
  keyUpdate(): Buffer {
    const record = this.#record(HANDSHAKE, KEY_UPDATE);
    this.secret = this.#expand('traffic upd', HASH_BYTES);
    this.#sequence = 0;
    return record;
  }

  #record(type: number, content: Buffer): Buffer {
    const header = Buffer.from([APPLICATION_DATA, 3, 3, 0, 0]);
    header.writeUInt16BE(content.length + 1 + 16, 3);
    const nonce = this.#expand('iv', 12);
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ this.#sequence) >>> 0, 8);
    this.#sequence += 1;
    const cipher = createCipheriv('aes-256-gcm', this.#expand('key', 32), nonce).setAAD(header);
    return Buffer.concat([
      header,
      cipher.update(content),
      cipher.update(Buffer.from([type])),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
  }

  /** HKDF-Expand-Label of at most one hash. */
  #expand(name: string, length: number): Buffer {
    const label = Buffer.from(`tls13 ${name}`);
    const info = Buffer.concat([Buffer.from([0, length, label.length]), label, Buffer.from([0, 1])]);
    return createHmac(HASH, this.secret).update(info).digest().subarray(0, length);
  }
}
