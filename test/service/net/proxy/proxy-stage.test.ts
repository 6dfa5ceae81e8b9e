import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { AddressRules } from '../../../../service/addresses/address-rules';
import { type Arrival, ProxyStage, type ProxyStageOptions } from '../../../../service/net/proxy/proxy-stage';
import { ClientHandshake } from '../../../support/rtmp/client-handshake';
import { MemoryLogger } from '../../../support/memory-logger';
import { RtmpClient } from '../../../support/rtmp/rtmp-client';
import { startTestNode } from '../../../support/servers/test-node';
import { proxyHeaderV1Vectors, proxyHeaderV2Vectors } from '../../../vectors/proxy-protocol-vectors';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex');
const [healthCheck, privateLink] = proxyHeaderV2Vectors.map((vector) => hex(vector.hex)) as [Buffer, Buffer];
const PRIVATE_LINK_CLIENT = '172.31.7.113';
const BALANCER = '10.0.0.5';

let log: MemoryLogger;
let rejections: string[];
const sockets: PassThrough[] = [];
beforeEach(() => {
  log = new MemoryLogger();
  rejections = [];
});
afterEach(() => sockets.splice(0).forEach((socket) => socket.destroy()));

function newStage(options: Partial<ProxyStageOptions> = {}): ProxyStage {
  const trusted = AddressRules.parse(['10.0.0.0/24']);
  return new ProxyStage({ mode: 'any', trusted, log, rejected: (reason) => rejections.push(reason), ...options });
}

/** A connection from `peer` as the stage sees it. */
function open(stage: ProxyStage, peer = BALANCER) {
  // The stage uses no more of a socket than any stream has.
  const socket = new PassThrough();
  sockets.push(socket);
  const opened = new Promise<{ address: string; rest: Buffer; arrival: Arrival }>((resolve) => {
    stage.read(socket as unknown as Socket, peer, (address, rest, arrival) => resolve({ address, rest, arrival }));
  });
  return { socket, opened, closed: once(socket, 'close') };
}

describe('where relays of other nodes come', () => {
  const [STRANGER, TRANSCODER] = ['192.0.2.7', '10.0.0.9'];
  const direct = AddressRules.parse([TRANSCODER]);

  /** The connection as the caller gets it. */
  async function arrival(peer: string, bytes: Buffer, options: Partial<ProxyStageOptions> = {}) {
    const stage = newStage({ relays: true, direct, ...options });
    const { socket, opened, closed } = open(stage, peer);
    for (const byte of bytes) {
      socket.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    const came = await Promise.race([opened, closed.then(() => undefined)]);
    return came && { address: came.address, said: came.rest[0], arrival: came.arrival };
  }
  const hello = Buffer.of(3);
  const local = Buffer.concat([healthCheck.subarray(0, 13), Buffer.of(0, 0, 0), hello]);

  test.each(['any', 'v1', 'v2'] as const)(
    'anybody with a header that names no client may be one, mode %s',
    async (mode) => {
      const refusal = { code: 'proxy_untrusted', reason: 'the peer is not in PROXY_TRUSTED' };
      expect(await arrival(STRANGER, local, { mode })).toMatchObject({
        address: STRANGER,
        said: 3,
        arrival: { mayBeRelay: true, refusal },
      });
      for (const peer of [BALANCER, TRANSCODER]) {
        const came = await arrival(peer, local, { mode });
        expect(came).toMatchObject({ address: peer, said: 3, arrival: { mayBeRelay: true } });
        expect(came?.arrival.refusal).toBeUndefined();
      }
      expect(rejections).toEqual([]);
    },
  );

  test('who names a client is none, and has to be trusted', async () => {
    const named = Buffer.concat([privateLink, hello]);
    expect(await arrival(BALANCER, named)).toMatchObject({
      address: PRIVATE_LINK_CLIENT,
      arrival: { mayBeRelay: false },
    });
    expect(await arrival(STRANGER, named)).toBeUndefined();
    expect(await arrival(STRANGER, hello)).toBeUndefined();
    expect(rejections).toEqual(['proxy_untrusted', 'proxy_untrusted']);
    expect(log.matching(/192\.0\.2\.7.*PROXY_TRUSTED/)).not.toEqual([]);
  });

  test('those who come without a header come as they come', async () => {
    expect(newStage({ direct }).passes(TRANSCODER)).toBe(true);
    expect(newStage({ direct, relays: true }).passes(TRANSCODER)).toBe(false);
    expect(await arrival(TRANSCODER, hello)).toMatchObject({
      address: TRANSCODER,
      said: 3,
      arrival: { mayBeRelay: false },
    });
  });
});

describe('the header', () => {
  test('may be cut anywhere, also within what follows it', async () => {
    const headers = [...proxyHeaderV1Vectors, ...proxyHeaderV2Vectors];
    const cuts = fc.array(fc.nat(), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...headers), cuts, async ({ hex: text, header }, places) => {
        const whole = Buffer.concat([hex(text), Buffer.from('what the client says')]);
        const { socket, opened } = open(newStage());
        let sent = 0;
        for (const cut of [...new Set(places.map((place) => place % whole.length))].sort((a, b) => a - b)) {
          socket.write(whole.subarray(sent, cut));
          await new Promise(setImmediate);
          sent = cut;
        }
        socket.write(whole.subarray(sent));
        const { address, rest } = await opened;
        const following = Buffer.concat([rest, (socket.read() as Buffer | null) ?? Buffer.alloc(0)]);
        expect(following.toString()).toBe('what the client says');
        expect(address).toBe(header.command === 'proxy' ? (header.source?.address ?? BALANCER) : BALANCER);
      }),
      { numRuns: 200 },
    );
    expect(rejections).toEqual([]);
  });

  test.each([
    ['no header at all', Buffer.of(3, 0, 0, 0), 'bad_proxy_header'],
    ['TLS without a header', hex('16030100'), 'bad_proxy_header'],
    ['a wrong checksum', Buffer.from(privateLink).fill(1, 16, 20), 'proxy_checksum_mismatch'],
    ['one that is too long', hex('0d0a0d0a000d0a515549540a 21 11 ffff'), 'proxy_header_too_large'],
  ])('%s closes the connection, with one warning for many of them', async (_name, bytes, code) => {
    const stage = newStage();
    for (let i = 0; i < 20; i += 1) {
      const { socket, closed } = open(stage);
      socket.write(bytes);
      await closed;
    }
    expect(rejections).toEqual(Array.from({ length: 20 }, () => code));
    expect(log.matching(/^warning connection refused .*"10\.0\.0\.5"/)).toHaveLength(1);
  });

  test('from a peer that is not trusted closes the connection and says so', async () => {
    const { closed } = open(newStage(), '10.0.1.5');
    await closed;
    expect(rejections).toEqual(['proxy_untrusted']);
    expect(log.matching(/10\.0\.1\.5.*PROXY_TRUSTED/)).toHaveLength(1);
  });

  test('has to come in time, and so has the first byte after it; who is silent is not worth a line', async () => {
    const stage = newStage({ deadlineMs: 20 });
    const silent = open(stage);
    const half = open(stage);
    half.socket.write(privateLink.subarray(0, 30));
    const headerOnly = open(stage);
    headerOnly.socket.write(privateLink);
    await Promise.all([silent.closed, half.closed, headerOnly.closed]);
    expect(rejections).toEqual(['proxy_timeout', 'proxy_timeout', 'proxy_timeout']);
    expect(log.entries).toEqual([]);
  });

  test('tells of the client as soon as it is named, before it says a word; of the balancer itself it does not', async () => {
    const named: string[] = [];
    const stage = newStage();
    for (const bytes of [healthCheck, privateLink]) {
      const socket = new PassThrough();
      sockets.push(socket);
      stage.read(
        socket as unknown as Socket,
        BALANCER,
        () => {},
        (address) => named.push(address),
      );
      socket.write(bytes);
      await new Promise(setImmediate);
    }
    expect(named).toEqual([PRIVATE_LINK_CLIENT]);
  });

  test('of a health check, or none, and then the end: nothing is logged, counted or opened', async () => {
    const stage = newStage();
    let openings = 0;
    for (const bytes of [undefined, healthCheck, privateLink, hex('0d0a0d0a000d0a515549540a 20 00 0000')]) {
      const { socket, opened, closed } = open(stage);
      void opened.then(() => (openings += 1));
      if (bytes !== undefined) socket.write(bytes);
      await new Promise(setImmediate);
      socket.destroy();
      await closed;
    }
    expect([openings, rejections, log.entries]).toEqual([0, [], []]);
  });
});

describe('a node behind a load balancer', () => {
  const behindBalancer = { PROXY_PROTOCOL: 'v2', PROXY_TRUSTED: '127.0.0.1' };

  async function dial(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }

  test('takes the address from the header of the bytes that it came with, one by one', async () => {
    const node = await startTestNode(behindBalancer);
    const client = await RtmpClient.open({ port: node.ports.rtmp, handshake: 'none' });
    client.connection.socket.setNoDelay(true);
    for (const byte of privateLink) {
      client.sendRaw(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    await shakeHandsAndConnect(client);
    expect(node.log.matching(/^request connect /)).toMatchObject([{ fields: { ip: PRIVATE_LINK_CLIENT } }]);
    await client.close();
  });

  test('lets health checks of an AWS balancer stay connected without taking places of its address', async () => {
    const node = await startTestNode({ ...behindBalancer, MAX_IP_CONCURRENT_CONNECTIONS: '1' });
    const before = node.log.entries.length;
    const checks = await Promise.all([1, 2, 3].map(() => dial(node.ports.rtmp)));
    for (const check of checks) check.write(healthCheck);
    const client = await RtmpClient.open({ port: node.ports.rtmp, handshake: 'none' });
    client.sendRaw(healthCheck);
    await shakeHandsAndConnect(client);
    expect(node.log.matching(/too many/)).toEqual([]);
    for (const check of checks) check.destroy();
    await client.close();
    expect(node.log.lines.slice(before).filter((line) => !line.includes('"session":1'))).toEqual([]);
  });

  test('takes a second header for what it is: bytes of the client that are no RTMP', async () => {
    const node = await startTestNode(behindBalancer);
    const socket = await dial(node.ports.rtmp);
    socket.write(Buffer.concat([privateLink, privateLink, Buffer.alloc(2000)]));
    socket.resume();
    await once(socket, 'close');
    const [line] = node.log.matching(/^warning closed .*bad_version/);
    expect(line?.fields).toMatchObject({ ip: PRIVATE_LINK_CLIENT });
  });

  test('closes connections of strangers at once, whatever they say they are', async () => {
    const node = await startTestNode(behindBalancer);
    const stranger = await dial(node.ports.rtmp, '127.0.0.9');
    stranger.write(privateLink);
    stranger.resume();
    await once(stranger, 'close');
    expect(node.log.matching(/127\.0\.0\.9.*PROXY_TRUSTED/)).toHaveLength(1);
    expect(await node.metric('rtmp_rejected_connections_total{reason="proxy_untrusted"}')).toBe(1);
  });

  test('takes those who are named as coming without a header as they come, even among those who are trusted', async () => {
    const node = await startTestNode({ ...behindBalancer, PROXY_TRUSTED: '127.0.0.0/24', PROXY_DIRECT: '127.0.0.9' });
    const transcoder = await RtmpClient.connect({ port: node.ports.rtmp, app: 'live', localAddress: '127.0.0.9' });
    expect(node.log.matching(/^request connect /)).toMatchObject([{ fields: { ip: '127.0.0.9' } }]);
    await transcoder.close();
    await expect(RtmpClient.connect({ port: node.ports.rtmp, app: 'live' })).rejects.toThrow();
  });

  test('does not start to guess: RTMP without a header is refused', async () => {
    const node = await startTestNode(behindBalancer);
    await expect(RtmpClient.connect({ port: node.ports.rtmp, app: 'live' })).rejects.toThrow();
    expect(await node.metric('rtmp_rejected_connections_total{reason="bad_proxy_header"}')).toBe(1);
  });
});

async function shakeHandsAndConnect(client: RtmpClient): Promise<void> {
  const handshake = new ClientHandshake('simple');
  client.sendRaw(handshake.c0c1);
  client.sendRaw(handshake.finish(await client.connection.readRaw(ClientHandshake.answerSize)));
  client.connection.startReading();
  const answer = await client.callConnect({ app: 'live' });
  expect(answer.name).toBe('_result');
}
