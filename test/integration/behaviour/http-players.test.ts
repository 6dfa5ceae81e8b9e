import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type FlvPlayer, HttpPlayer, WebSocketPlayer } from '../../support/http-player';
import { aac, avc, avcAacStream } from '../../support/rtmp/media';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { fingerprints, sendMedia, ServerOfFile } from '../../support/servers/server-of-file';
import { ServerProcess } from '../../support/servers/server-process';
import { startTestNode, type TestNode } from '../../support/servers/test-node';

const players: FlvPlayer[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  for (const player of players.splice(0)) player.close();
  for (const socket of sockets.splice(0)) socket.destroy();
});

const kinds = [
  { kind: 'HTTP', protocol: 'http-flv', Player: HttpPlayer },
  { kind: 'WebSocket', protocol: 'ws-flv', Player: WebSocketPlayer },
] as const;

type Kind = (typeof kinds)[number];
interface Options {
  readonly headers?: Record<string, string>;
}

async function open({ Player }: Pick<Kind, 'Player'>, url: string, options?: Options): Promise<FlvPlayer> {
  const player: FlvPlayer = await Player.open(url, options);
  players.push(player);
  return player;
}

const server = ServerOfFile.start({ HTTP_PORT: '0', HTTP_PLAY_ORIGINS: 'https://www.example.com' });
const url = (channel: string, key = 'key'): string => server.process.httpUrl(`/live/${channel}/${key}.flv`);

/** A publisher whose first messages a player has got. */
async function liveStream(channel: string, media = avcAacStream('first', 30)): Promise<RtmpClient> {
  const [publisher, witness] = [await server.publisher(channel), await server.player(channel)];
  sendMedia(publisher, media);
  await witness.waitForPayload(media.at(-1)!.payload);
  return publisher;
}

describe.each(kinds)('a player over $kind', (kind) => {
  test('gets a stream bit for bit, from the last keyframe on, with its timestamps', async () => {
    const channel = server.newChannel();
    const media = avcAacStream('late', 60);
    const publisher = await liveStream(channel, media);
    const player = await open(kind, url(channel));
    const [videoHeader, audioHeader] = media;
    const cached = media.slice(2 + 2 * 50);
    await player.waitForPayload(media.at(-1)!.payload);
    const last = {
      kind: 'video',
      timestamp: 0x1_00_0000_7,
      payload: avc.interFrame('after four and a half hours'),
    } as const;
    sendMedia(publisher, [last]);
    expect(fingerprints(await player.waitForPayload(last.payload))).toEqual(
      fingerprints([audioHeader!, videoHeader!, ...cached, last]),
    );
    expect(player.flags).toBe(5);
  });

  test('joins without any effect on those who play already', async () => {
    const channel = server.newChannel();
    const media = avcAacStream('first', 30);
    const publisher = await liveStream(channel, media);
    const first = await open(kind, url(channel));
    const before = (await first.waitForPayload(media.at(-1)!.payload)).length;
    for (const other of kinds) await (await open(other, url(channel))).waitForHeader();
    const end = { kind: 'video', timestamp: 5_000, payload: avc.interFrame('end') } as const;
    sendMedia(publisher, [end]);
    expect(fingerprints((await first.waitForPayload(end.payload)).slice(before))).toEqual(fingerprints([end]));
  });

  test('sees the end of the stream, and the next one at once with its own headers', async () => {
    const channel = server.newChannel();
    const publisher = await liveStream(channel);
    const player = await open(kind, url(channel));
    await player.waitForHeader();
    publisher.deleteStream();
    expect(await player.ended()).toMatchObject({
      isComplete: true,
      ...(kind.protocol === 'ws-flv' && { code: 1000, reason: 'stream is now unpublished.' }),
    });
    await expect(open(kind, url(channel))).rejects.toThrow('404');
    const header = { kind: 'audio', timestamp: 0, payload: aac.sequenceHeader(Buffer.from('1210', 'hex')) } as const;
    const frame = { kind: 'audio', timestamp: 20, payload: aac.frame('of the next stream') } as const;
    await liveStream(channel, [header, frame]);
    const next = await open(kind, url(channel));
    expect(fingerprints(await next.waitForPayload(frame.payload))).toEqual(fingerprints([header, frame]));
  });

  test('is told of audio or video alone in the FLV header', async () => {
    const both = avcAacStream('one kind', 10);
    for (const [only, flags] of [
      ['audio', 4],
      ['video', 1],
    ] as const) {
      const channel = server.newChannel();
      const publisher = await server.publisher(channel);
      publisher.sendMetadata(only === 'audio' ? { audiocodecid: 10 } : { videocodecid: 7 });
      const witness = await server.player(channel);
      const media = both.filter((item) => item.kind === only);
      sendMedia(publisher, media);
      await witness.waitForPayload(media.at(-1)!.payload);
      const player = await open(kind, url(channel));
      await player.waitForHeader();
      expect(player.flags).toBe(flags);
    }
  });

  test('is refused with a status and the reason that RTMP players get', async () => {
    const channel = server.newChannel();
    await liveStream(channel);
    await expect(open(kind, url(channel, 'other'))).rejects.toThrow(/^401 .*"detail":"Wrong stream key"/);
    await expect(open(kind, url(server.newChannel()))).rejects.toThrow(/^404 .*No stream of this name is live/);
    await expect(open(kind, url(channel, 'bad.key'))).rejects.toThrow(/^404 .*Bad stream key: .* are allowed/);
    await expect(open(kind, server.process.httpUrl('/live/no-key.flv'))).rejects.toThrow(/^404 .*Bad stream key/);
    await expect(open(kind, url(channel, '%zz'))).rejects.toThrow(/^404 .*Bad stream key/);
  });

  test('on a web page plays where the page is of an allowed origin', async () => {
    const channel = server.newChannel();
    await liveStream(channel);
    const from = (origin: string): Promise<FlvPlayer> => open(kind, url(channel), { headers: { Origin: origin } });
    await from('https://www.example.com');
    await from(server.process.httpUrl('').toLowerCase());
    for (const origin of ['https://example.com', 'http://www.example.com', 'null', 'x']) {
      await expect(from(origin)).rejects.toThrow(/^403 .*HTTP_PLAY_ORIGINS/);
    }
    const named = { headers: { Host: 'rebound.example.com' } };
    await expect(open(kind, url(channel), named)).rejects.toThrow(/^403 .*HTTP_ALLOWED_HOSTS/);
  });

  test('is counted where players are', async () => {
    const channel = server.newChannel();
    await liveStream(channel);
    const count = async (): Promise<string | undefined> =>
      (await (await fetch(server.process.httpUrl('/metrics'))).text())
        .split('\n')
        .find((line) => line.startsWith(`rtmp_players{protocol="${kind.protocol}"}`));
    await open(kind, url(channel));
    expect(await count()).toMatch(/ 1$/);
    const streams = (await (await fetch(server.process.httpUrl('/api/streams'))).json()) as object[];
    expect(streams).toContainEqual(expect.objectContaining({ channel, players: 2 }));
    expect(server.process.log).toMatch(new RegExp(`play channel=${channel} protocol=${kind.protocol}`));
  });

  test('that does not read skips to a keyframe, without effect on others, and sees whole messages only', async () => {
    const channel = server.newChannel();
    const publisher = await liveStream(channel);
    const [slow, quick] = [await open(kind, url(channel)), await open(kind, url(channel))];
    await Promise.all([slow.waitForHeader(), quick.waitForHeader()]);
    slow.pause();
    const media = avcAacStream('large', 150, { gop: 10, size: 400_000 });
    for (let at = 0; at < media.length; at += 20) {
      const part = media.slice(at, at + 20);
      sendMedia(publisher, part);
      await quick.waitForPayload(part.at(-1)!.payload);
    }
    slow.resume();
    const dropped = /rtmp_dropped_frames_total [1-9]/;
    expect(await (await fetch(server.process.httpUrl('/metrics'))).text()).toMatch(dropped);
    // The next keyframe comes when what was unsent has been read.
    for (let i = 0; ; i += 1) {
      const keyframe = avc.keyframe(`again ${i}`, 1_000);
      publisher.sendVideo(20_000 + i, keyframe);
      await quick.waitForPayload(keyframe);
      if (slow.media.some(({ timestamp }) => timestamp >= 20_000)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // Headers are repeated where it resumes.
    const frames = (player: FlvPlayer): string[] =>
      fingerprints(player.media.filter(({ payload }) => payload[1] !== 0));
    const [played, sent] = [frames(slow), frames(quick)];
    expect(played.length).toBeLessThan(sent.length);
    const places = played.map((item) => sent.indexOf(item));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  }, 120_000);
});

test('HTTP/1.0 gets the stream without chunks, and its end is that of the connection', async () => {
  const channel = server.newChannel();
  const publisher = await liveStream(channel);
  const socket = connect(server.process.httpPort, '127.0.0.1');
  sockets.push(socket);
  const received: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => received.push(bytes));
  socket.write(`GET /live/${channel}/key.flv HTTP/1.0\r\n\r\n`);
  await once(socket, 'data');
  publisher.deleteStream();
  await once(socket, 'close');
  const answer = Buffer.concat(received);
  const body = answer.subarray(answer.indexOf('\r\n\r\n') + 4);
  expect(answer.toString('latin1', 0, answer.indexOf('\r\n\r\n'))).not.toMatch(/transfer-encoding/i);
  expect(body.toString('latin1', 0, 3)).toBe('FLV');
});

test('a page of an allowed origin may read the answer; a preflight request is answered', async () => {
  const channel = server.newChannel();
  const headers = { Origin: 'https://www.example.com' };
  const refused = await fetch(url(channel), { headers });
  expect(refused.status).toBe(404);
  expect(refused.headers.get('access-control-allow-origin')).toBe('https://www.example.com');
  expect(refused.headers.get('content-type')).toBe('application/problem+json');
  const preflight = await fetch(url(channel), { method: 'OPTIONS', headers });
  expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([204, 'GET']);
  const other = await fetch(url(channel), { headers: { Origin: 'https://other.example.com' } });
  expect(other.headers.get('access-control-allow-origin')).toBeNull();
  expect((await fetch(url(channel), { method: 'POST' })).status).toBe(405);
});

test('a WebSocket player is answered its pings, and closed when it floods the server with messages', async () => {
  const channel = server.newChannel();
  await liveStream(channel);
  const player = await WebSocketPlayer.open(url(channel));
  players.push(player);
  player.webSocket.ping('are you there');
  expect(String((await once(player.webSocket, 'pong'))[0])).toBe('are you there');
  for (let i = 0; i < 200; i += 1) player.webSocket.send('x');
  expect((await player.ended()).isComplete).toBe(false);
});

test('a request that wants another protocol is answered in HTTP', async () => {
  const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
  await expect(HttpPlayer.open(server.process.httpUrl('/nothing'), { headers })).rejects.toThrow(/^404 /);
  const health = await HttpPlayer.open(server.process.httpUrl('/healthz'), { headers });
  await once(health.answer, 'end');
});

test('players do not take the places of health checks, nor does a further request on their connection', async () => {
  const channel = server.newChannel();
  await liveStream(channel);
  // Not all at once: until its request is read, a connection takes one of those places.
  for (let batch = 0; batch < 3; batch += 1) {
    const some = await Promise.all(Array.from({ length: 100 }, () => open(kinds[0], url(channel))));
    await Promise.all(some.map((player) => player.waitForHeader()));
  }
  expect((await fetch(server.process.httpUrl('/healthz'))).status).toBe(200);
  const socket = connect(server.process.httpPort, '127.0.0.1');
  sockets.push(socket);
  socket.write(`GET /live/${channel}/key.flv HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await once(socket, 'data');
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket.resume(), 'close');
}, 60_000);

describe('limits', () => {
  const stream = (node: TestNode): string => `http://127.0.0.1:${node.ports.http}/live/limited/key.flv`;

  async function publish(node: TestNode): Promise<RtmpClient> {
    const publisher = await RtmpClient.publisher({ port: node.ports.rtmp, channel: 'limited', key: 'key' });
    sockets.push(publisher.connection.socket);
    sendMedia(publisher, avcAacStream('limited', 5));
    await publisher.roundTrip();
    return publisher;
  }

  test('the connections of an address are counted together, whatever they speak', async () => {
    const node = await startTestNode({ MAX_IP_CONCURRENT_CONNECTIONS: '2' });
    await publish(node);
    const player = await open(kinds[0], stream(node));
    await expect(open(kinds[1], stream(node))).rejects.toThrow(/^429 .*MAX_IP_CONCURRENT_CONNECTIONS/);
    player.close();
    await node.log.waitFor(/closed .*client_closed/);
    await open(kinds[1], stream(node));
  });

  test('the number of HTTP players is limited', async () => {
    const node = await startTestNode({ HTTP_MAX_PLAYERS: '1' });
    await publish(node);
    await open(kinds[0], stream(node));
    await expect(open(kinds[0], stream(node))).rejects.toThrow(/^503 .*HTTP_MAX_PLAYERS/);
    expect((await node.page('/healthz')).status).toBe(200);
  });

  test('nobody plays over HTTP with HTTP_MAX_PLAYERS=0', async () => {
    const node = await startTestNode({ HTTP_MAX_PLAYERS: '0' });
    await publish(node);
    for (const kind of kinds) await expect(open(kind, stream(node))).rejects.toThrow(/^404 .*not found/);
  });

  test('RTMP_PLAY_WHITELIST applies to the address that a trusted load balancer names', async () => {
    const node = await startTestNode({
      PROXY_PROTOCOL: 'any',
      PROXY_TRUSTED: '127.0.0.1',
      RTMP_PLAY_WHITELIST: '198.51.100.7',
    });
    const statusFor = async (preamble: string): Promise<string> => {
      const socket = connect(node.ports.http!, '127.0.0.1');
      sockets.push(socket);
      socket.write(`${preamble}GET /live/limited/key.flv HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      return String((await once(socket, 'data'))[0]).slice(9, 12);
    };
    expect(await statusFor('')).toBe('403');
    expect(await statusFor('PROXY TCP4 203.0.113.9 192.0.2.1 4000 80\r\n')).toBe('403');
    // Allowed; there is no such stream.
    expect(await statusFor('PROXY TCP4 198.51.100.7 192.0.2.1 4000 80\r\n')).toBe('404');
  });

  test('an address that no trusted load balancer names is not believed', async () => {
    const node = await startTestNode({
      PROXY_PROTOCOL: 'any',
      PROXY_TRUSTED: '192.0.2.1',
      RTMP_PLAY_WHITELIST: '198.51.100.7',
    });
    const socket = connect(node.ports.http!, '127.0.0.1');
    sockets.push(socket);
    socket.write('PROXY TCP4 198.51.100.7 192.0.2.1 4000 80\r\n');
    socket.write('GET /live/limited/key.flv HTTP/1.1\r\nHost: localhost\r\n\r\n');
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 403 [^]*RTMP_PLAY_WHITELIST/);
  });
});

test('when the server ends, its players see a proper end', async () => {
  const ending = await ServerProcess.start({ HTTP_PORT: '0', CONCURRENT_LIMIT_WHITELIST: '*' });
  const publisher = await RtmpClient.publisher({ port: ending.rtmpPort, channel: 'ending', key: 'key' });
  sockets.push(publisher.connection.socket);
  sendMedia(publisher, avcAacStream('ending', 5));
  await publisher.roundTrip();
  const both = await Promise.all(kinds.map((kind) => open(kind, ending.httpUrl('/live/ending/key.flv'))));
  await Promise.all(both.map((player) => player.waitForHeader()));
  const [http, webSocket] = both.map((player) => player.ended());
  expect(await ending.stop()).toBe(0);
  expect(await http).toEqual({ isComplete: true });
  expect(await webSocket).toEqual({ isComplete: false, code: 1001, reason: 'Server is shutting down' });
});
