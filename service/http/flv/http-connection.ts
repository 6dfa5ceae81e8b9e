import type { Socket } from 'node:net';
import type { PlayerFormat } from '../../hub/player-format';
import { endSocket } from '../../net/sockets/end-socket';
import { chunkedBody, plainBody } from './flv-formats';
import { answerHead, type HeaderFields } from './http-text';
import { ViewerConnection } from './viewer-connection';

const LAST_CHUNK = '0\r\n\r\n';

/** A player that gets the stream as the endless body of an HTTP answer. */
export class HttpConnection extends ViewerConnection {
  readonly format: PlayerFormat;

  constructor(socket: Socket, fields: HeaderFields, httpVersion: string) {
    super(socket, fields);
    this.format = httpVersion === '1.0' ? plainBody : chunkedBody;
  }

  protected begin(): boolean {
    const isChunked = this.format === chunkedBody;
    const head = answerHead(200, {
      ...this.fields,
      'content-type': 'video/x-flv',
      'x-content-type-options': 'nosniff',
      // A reverse proxy such as nginx would otherwise collect the stream before it forwards it.
      'x-accel-buffering': 'no',
      ...(isChunked && { 'transfer-encoding': 'chunked' }),
    });
    this.socket.write(head, 'latin1');
    return true;
  }

  protected close(): void {
    if (this.format === chunkedBody && this.socket.writable) this.socket.write(LAST_CHUNK, 'latin1');
    endSocket(this.socket);
  }
}
