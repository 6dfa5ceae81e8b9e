import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { HandlerManner } from './attack';

const ACCEPTS_AFTER_MS = 300;
const TRICKLE_MS = 20;

/** A callback handler, or what somebody puts in its place. */
export interface Handler {
  readonly url: string;
  close(): void;
}

/** What is written as the answer, and what follows it again and again as fast as it is read. */
const RAW: Readonly<Record<Exclude<HandlerManner, 'accepts' | 'refuses'>, readonly [first: string, repeated: string]>> =
  {
    huge: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', `10000\r\n${'x'.repeat(0x10000)}\r\n`],
    trickles: ['HTTP/1.1 200 OK\r\n', 'X-Slow: 1\r\n'],
    headers: ['HTTP/1.1 200 OK\r\n', `X-Long: ${'x'.repeat(1_000)}\r\n`],
    redirects: ['HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n', ''],
    odd: [
      'HTTP/1.1 200 OK\r\nstream-id: \x01\xff\r\nmax-duration-seconds: 1e999\r\nmax-bitrate-kbps: -1\r\n' +
        'play-key: {"a":[[[[\r\nforward: file:///etc/passwd rtmp://127.0.0.1/a/b\r\nrecord: ../../x\r\n' +
        '__proto__: x\r\nContent-Length: 3\r\n\r\n{{{',
      '',
    ],
    silent: ['', ''],
  };

export async function startHandler(manner: HandlerManner): Promise<Handler> {
  const server: Server | ReturnType<typeof createServer> =
    manner === 'accepts' || manner === 'refuses' ? httpHandler(manner) : rawHandler(manner);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The honest streams, and whoever has a good key, are accepted after a while. */
function httpHandler(manner: HandlerManner): Server {
  return createHttpServer((request, response) => {
    request.resume();
    const isHonest = manner === 'accepts' || !claimsOf(request.headers['rtmp-event']).includes('"guess-');
    if (isHonest) setTimeout(() => response.writeHead(200, { 'stream-id': 'id' }).end(), ACCEPTS_AFTER_MS);
    else response.writeHead(403).end();
  });
}

/** Good manners towards honest channels, so that their streams are there; hostile ones towards all others. */
function rawHandler(manner: Exclude<HandlerManner, 'accepts' | 'refuses'>): ReturnType<typeof createServer> {
  const [first, repeated] = RAW[manner];
  return createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      const token = /rtmp-event: *(\S+)/i.exec(bytes.toString('latin1'))?.[1];
      if (!claimsOf(token).includes('"victim')) {
        socket.write('HTTP/1.1 200 OK\r\nstream-id: id\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      socket.write(first, 'latin1');
      if (repeated === '') return;
      const timer = setInterval(() => {
        if (manner === 'trickles') socket.write(repeated);
        else while (socket.writableLength < 1_000_000 && socket.writable) socket.write(repeated);
      }, TRICKLE_MS);
      socket.on('close', () => clearInterval(timer));
    });
  });
}

/** The claims of a token, as text: the handler of a benchmark checks no signature. */
function claimsOf(token: string | string[] | undefined): string {
  return Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString('utf8');
}
