import { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { AllowedHosts } from '../../../service/http/allowed-hosts';
import { AccessRules } from '../../../service/http/api/access-rules';
import { API_PATH, ApiServer, type ApiServerOptions } from '../../../service/http/api/api-server';
import { isStreamPath, playRequest, targetOf } from '../../../service/http/flv/play-request';
import { PlayOrigins } from '../../../service/http/flv/play-origins';
import { WebSocketConnection } from '../../../service/http/flv/websocket-connection';
import { HlsDoor } from '../../../service/http/hls-door';
import { PathTokens } from '../../../service/http/hls-path-tokens';
import { silentLogger } from '../../../service/logging/silent-logger';
import { NameRules } from '../../../service/session/rtmp-commands/name-rules';
import { FREE_NAMES, PLAIN_NAMES } from '../../support/names';
import { must, Violation, type Target } from '../engine/target';

const NOW = Date.UTC(2026, 10, 30);
const TOKEN = 'the-token-of-the-fuzzer';
const names = [new NameRules(PLAIN_NAMES), new NameRules(FREE_NAMES)];
const hosts = new AllowedHosts(['live.example']);
const origins = new PlayOrigins(['https://page.example']);
/** As far as Node's own parser lets requests through. */
const LINE = /^([A-Z]{3,7}) (\/[!-~\u0080-\u00ff]*)$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\u0020-\u007e\u0080-\u00ff]*)$/;
const ANSWER = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n((?:[!-9;-~]+: [^\r\n]*\r\n)*)\r\n/;

/** Every request gets one whole answer, whatever it says, and is never the server's fault. */
export const target: Target = {
  name: 'http',
  reads: 'HTTP requests: API paths, queries and bodies, headers, HLS paths, WebSocket upgrades',
  maxLength: 900,
  steps: { base: 30_000, perByte: 300 },
  seeds: () =>
    [
      'GET /api/v1/streams?limit=10&sort=name&after=x&history=true\nhost: 127.0.0.1\n\n',
      `POST /api/v1/streams/n%65ws/block\nauthorization: Bearer ${TOKEN}\ncontent-type: application/json\n\n{"seconds":60}`,
      `POST /api/v1/streams/news/outputs/forward\nauthorization: Bearer ${TOKEN}\ncontent-type: application/json\n\n{"url":"rtmp://h/app/key"}`,
      `POST /api/v1/login\ncontent-type: application/json\norigin: http://h\nhost: h\n\n{"token":"${TOKEN}"}`,
      'POST /api/v1/node\nauthorization: Node abc\n\n{"ask":"streams","history":true}',
      'GET /api/v1/events?channel=news\naccept: application/json\nlast-event-id: 5\ncookie: rtmp_operator=1.aaaa\n\n',
      'GET /live/news/key.flv?cache=no\nhost: live.example\nupgrade: websocket\nconnection: upgrade\nsec-websocket-version: 13\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\norigin: https://page.example\n\n\x88\x80\x01\x02\x03\x04',
      'GET /hls/news/index.m3u8?key=key\nhost: live.example\n\n',
      'GET /hls/~abc.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/news/live.m3u8?_HLS_msn=3\nhost: h\n\n',
      'OPTIONS /hls/news/index.m3u8\norigin: https://page.example\n\n',
    ].map((text) => Buffer.from(text, 'latin1')),
  async run(data) {
    const text = data.toString('latin1');
    const end = text.indexOf('\n\n');
    const [line = '', ...fields] = (end < 0 ? text : text.slice(0, end)).split('\n');
    const [, method, url] = LINE.exec(line) ?? [];
    if (method === undefined || url === undefined || !fields.every((field) => FIELD.test(field))) return;
    const body = end < 0 ? Buffer.alloc(0) : data.subarray(end + 2);
    const wire = new Wire();
    const request = requestOf(wire, { method, url, fields, body });
    const { host } = request.headers;
    hosts.allows(host);
    const path = url.replace(/[?#].*$/s, '');
    if (isStreamPath(path)) for (const rules of names) checkTarget(targetOf(url, rules));
    if (request.headers.upgrade !== undefined) {
      await upgraded(wire, request, body);
      return;
    }
    const response = new ServerResponse(request);
    response.assignSocket(wire as unknown as Socket);
    const closed = new Promise<void>((resolve) => response.once('finish', resolve).once('close', resolve));
    if (HlsDoor.owns(path)) await door.answer({ request, response, address: '192.0.2.7' });
    else if (path !== API_PATH && !path.startsWith(`${API_PATH}/`)) return;
    else await api.answer({ request, response, client: { address: '192.0.2.7', isDirect: true }, hostIsAllowed: true });
    if (wire.isFollowed) return;
    await closed;
    wire.checkAnswer(method === 'HEAD');
    wire.destroy();
  },
};

/** The client's end of a connection. */
class Wire extends Duplex {
  readonly remoteAddress = '192.0.2.7';
  isFollowed = false;
  readonly #written: Buffer[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#written.push(chunk);
    done();
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#written);
  }

  /** One answer in HTTP, as long as it says. */
  checkAnswer(isHead: boolean): void {
    const text = this.bytes.toString('latin1');
    const [head = '', status = '', fields = ''] = ANSWER.exec(text) ?? [];
    must(head !== '', `no answer in HTTP: ${text.slice(0, 200)}`);
    must(status !== '500', `the server failed: ${text.slice(-200)}`);
    const length = /^content-length: (\d+)\r$/im.exec(fields)?.[1];
    const body = text.slice(head.length);
    must(length === undefined || isHead || body.length === Number(length), 'an answer of another length than it says');
    if (/^content-type: application\/(?:problem\+)?json/im.test(fields) && !isHead) {
      must(typeof JSON.parse(Buffer.from(body, 'latin1').toString('utf8')) === 'object', 'an answer that is no JSON');
    }
  }
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly fields: readonly string[];
  readonly body: Buffer;
}

function requestOf(wire: Wire, { method, url, fields, body }: Asked): IncomingMessage {
  const request = new IncomingMessage(wire as unknown as Socket);
  Object.assign(request, { method, url, httpVersion: '1.1', httpVersionMajor: 1, httpVersionMinor: 1 });
  for (const field of fields) {
    const [, name = '', value = ''] = FIELD.exec(field) ?? [];
    request.headers[name.toLowerCase()] ??= value.trim();
    request.rawHeaders.push(name, value.trim());
  }
  if (body.length > 0) request.push(body);
  request.complete = true;
  request.push(null);
  return request;
}

async function upgraded(wire: Wire, request: IncomingMessage, head: Buffer): Promise<void> {
  const asked = playRequest(request, '192.0.2.7', head);
  must(JSON.stringify(JSON.parse(JSON.stringify(asked))) === JSON.stringify(asked), 'it cannot go to another process');
  origins.allows(asked);
  const connection = new WebSocketConnection(wire as unknown as Socket, origins.fields(asked), asked, () => 0);
  const isOpen = connection.open(() => ({ audio: true, video: true }));
  await new Promise(setImmediate);
  const text = wire.bytes.toString('latin1');
  const [, status] = ANSWER.exec(text) ?? [];
  must(isOpen ? status === '101' : status === '400' || status === '405' || status === '426', `an upgrade: ${text}`);
  wire.destroy();
}

function checkTarget(found: ReturnType<typeof targetOf>): void {
  if (found === undefined) return;
  must(FREE_NAMES.isName(found.channel) && FREE_NAMES.isName(found.key), 'names that cannot be names');
}

const door = new HlsDoor({
  ...{ program: () => undefined, mayPlay: () => true, origins: ['https://page.example'], maxAnswers: 1_000 },
  admits: (channel, key) => Promise.resolve(channel !== 'news' ? 'noStream' : key === 'key' ? 'yes' : 'wrongKey'),
  tokens: new PathTokens(() => NOW, Buffer.alloc(32, 7)),
});

const answering = { get: () => () => Promise.resolve({ done: true }) };
const api = new ApiServer({
  api: new Proxy(
    { fleet: { machine: { verify: () => Promise.resolve(true), ask: () => Promise.resolve({ answers: [] }) } } },
    { get: (real, name) => (name === 'fleet' ? real.fleet : name === 'keyframe' ? keyframe : answering.get()) },
  ),
  feed: {
    add: (response: ServerResponse) => {
      (response.socket as unknown as Wire).isFollowed = true;
      response.destroy();
      return Promise.resolve();
    },
    close: () => undefined,
  },
  // The attempts of one run must not count for the next one.
  access: freshAccess(),
  log: { ...silentLogger, error: fail },
} as unknown as ApiServerOptions);

function keyframe(): Promise<Buffer> {
  return Promise.resolve(Buffer.from('FLV'));
}

function freshAccess(): Pick<AccessRules, 'access' | 'logIn' | 'logOut' | 'check'> {
  const rules = (): AccessRules => new AccessRules({ token: () => TOKEN, now: () => NOW });
  return {
    check: (...given) => rules().check(...given),
    access: (...given) => rules().access(...given),
    logIn: (...given) => rules().logIn(...given),
    logOut: (...given) => rules().logOut(...given),
  };
}

function fail(message: string, fields?: Readonly<Record<string, unknown>>): never {
  throw new Violation(`an error in the log: ${message} ${JSON.stringify(fields)}`);
}
