import { connect, type Socket } from 'node:net';
import type { MessageSink } from './chunk-reader';
import { FlvReader } from './flv-reader';
import type { StreamAddress } from './stream-address';

const ANSWER_TIMEOUT_MS = 20_000;
const MAX_HEAD_BYTES = 16 * 1024;
/** Every socket of the process reads into this one buffer, as those of RTMP players do. */
const sharedReadBuffer = Buffer.allocUnsafeSlow(256 * 1024);
const END_OF_HEAD = '\r\n\r\n';

/** Plays one stream as FLV over HTTP or WebSocket; media goes to `media`. */
export class FlvClient {
  bytesReceived = 0;
  /** Called once when the connection ends without close() having been called. */
  onLost: (reason: string) => void = () => undefined;

  private readonly socket: Socket;
  private readonly flv: FlvReader;
  private head = '';
  private isOpen = false;
  private closed = false;
  /** A chunk's or frame's header, as far as it has come. */
  private readonly frameHead = Buffer.alloc(32);
  private filled = 0;
  /** Bytes of the present chunk or frame that are still to come, and of the line break behind a chunk. */
  private dataLeft = 0;
  private breakLeft = 0;
  private settle: ((failure?: Error) => void) | undefined;

  private constructor(
    address: StreamAddress,
    private readonly isWebSocket: boolean,
    port: number,
    media: MessageSink,
  ) {
    this.flv = new FlvReader(media);
    this.socket = connect({
      host: address.host,
      port,
      noDelay: true,
      onread: {
        buffer: sharedReadBuffer,
        callback: (bytes, buffer) => {
          this.onRead(buffer as Buffer, bytes);
          return true;
        },
      },
    });
    const upgrade =
      'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n';
    const more = isWebSocket ? `Connection: Upgrade\r\n${upgrade}` : '';
    const path = `/live/${address.app}/${address.streamName}.flv`;
    this.socket.write(`GET ${path} HTTP/1.1\r\nHost: ${address.host}:${port}\r\n${more}\r\n`);
    this.socket.on('error', (error) => this.end(error.message));
    this.socket.on('close', () => this.end('closed by the server'));
  }

  /** Resolves when the server has answered that the stream follows. Rejects if it refuses or is silent for 20 s. */
  static async open(address: StreamAddress, media: MessageSink): Promise<FlvClient> {
    if (address.flv === undefined) throw new Error('the server has no address for FLV');
    const client = new FlvClient(address, address.flv.isWebSocket, address.flv.port, media);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => client.end('the server did not answer in time'), ANSWER_TIMEOUT_MS);
      client.settle = (failure) => {
        clearTimeout(timer);
        client.settle = undefined;
        if (failure === undefined) resolve();
        else reject(failure);
      };
    });
    return client;
  }

  close(): void {
    this.closed = true;
    this.socket.destroy();
  }

  private onRead(buffer: Buffer, bytes: number): void {
    if (this.closed) return;
    this.bytesReceived += bytes;
    try {
      this.readBody(buffer, this.isOpen ? 0 : this.readHead(buffer, bytes), bytes);
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
  }

  /** Returns where the body begins. */
  private readHead(buffer: Buffer, bytes: number): number {
    const before = this.head.length;
    this.head += buffer.toString('latin1', 0, bytes);
    const end = this.head.indexOf(END_OF_HEAD);
    if (end < 0 && this.head.length < MAX_HEAD_BYTES) return bytes;
    const status = this.head.slice(0, this.head.indexOf('\r\n'));
    if (!/^HTTP\/1\.1 (200|101) /.test(status)) throw new Error(`refused: ${status}`);
    this.isOpen = true;
    this.settle?.();
    return end + END_OF_HEAD.length - before;
  }

  private readBody(buffer: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.dataLeft > 0) {
        const stop = Math.min(end, at + this.dataLeft);
        this.flv.read(buffer, at, stop);
        this.dataLeft -= stop - at;
        at = stop;
      } else if (this.breakLeft > 0) {
        this.breakLeft -= 1;
        at += 1;
      } else {
        this.frameHead[this.filled++] = buffer[at++]!;
        if (this.isWebSocket ? this.readFrameHead() : this.readChunkHead()) this.filled = 0;
      }
    }
  }

  private readChunkHead(): boolean {
    if (this.frameHead[this.filled - 1] !== 0x0a) return false;
    this.dataLeft = Number.parseInt(this.frameHead.toString('latin1', 0, this.filled), 16);
    if (!(this.dataLeft > 0)) throw new Error('the stream ended');
    this.breakLeft = 2;
    return true;
  }

  private readFrameHead(): boolean {
    const { frameHead, filled } = this;
    if (filled < 2) return false;
    const short = frameHead[1]!;
    if (short < 126) this.dataLeft = short;
    else if (short === 126 && filled === 4) this.dataLeft = frameHead.readUInt16BE(2);
    else if (short === 127 && filled === 10) this.dataLeft = frameHead.readUInt32BE(6);
    else return false;
    if (frameHead[0] !== 0x82) throw new Error(`a frame that begins with ${frameHead[0]}`);
    return true;
  }

  private end(reason: string): void {
    if (this.closed) return;
    this.close();
    if (this.settle !== undefined) this.settle(new Error(reason));
    else this.onLost(reason);
  }
}
