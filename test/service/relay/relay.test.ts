import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { Hub } from '../../../service/hub/hub';
import { FleetKeys } from '../../../service/leases/fleet-keys';
import { KeyHash } from '../../../service/leases/key-hash';
import { TrafficCounters } from '../../../service/metrics/traffic-counters';
import { Batching } from '../../../service/net/batching/batching';
import { Relay } from '../../../service/relay/relay';
import { ChunkBuilder, MessageType, UserControl, userControl } from '../../support/rtmp/wire-builder';
import { ChunkDecoder } from '../../support/rtmp/wire-reader';
import { StreamRig } from '../hub/stream-rig';

const PLACE = { channel: 'ch', publish: 'publisher', streamId: 'id', playKeyHash: '' };

const owner = createServer();
afterEach(() => void owner.close());

test('counts what it reads apart from what clients send', async () => {
  owner.listen(0, '127.0.0.1');
  await once(owner, 'listening');
  // Not a handshake: the relay gives up after these bytes.
  owner.on('connection', (socket) => void socket.on('error', () => undefined).end(Buffer.alloc(100)));
  const { port } = owner.address() as AddressInfo;
  const traffic = new TrafficCounters();
  const batching = new Batching({ latencyMs: 0, traffic });
  await new Promise<void>((resolve) => {
    const address = { id: 'owner', incarnation: '1', host: '127.0.0.1', port, proxyHeader: false, draining: false };
    const hub = new Hub(new StreamRig().env);
    new Relay({
      env: { hub, batching, traffic, keyHash: new KeyHash(new FleetKeys(), Buffer.alloc(32)) },
      target: { location: { ...PLACE, owner: address }, token: 'token' },
      relays: { mayFeed: () => true, ended: () => resolve() },
    });
  });
  expect([traffic.bytesIn, traffic.relayedBytesIn]).toEqual([100, 100]);
  batching.close();
});

test('asks an owner that is silent, and leaves it when it does not answer', async () => {
  const silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const answered = 3;
  let asked = 0;
  // A handshake, and then nothing but answers to pings, as many as wanted: the network is cut then.
  silent.on('connection', (socket: Socket) => {
    const [chunks, decoder] = [new ChunkBuilder(), new ChunkDecoder()];
    let handshake = Buffer.alloc(0);
    let isDone = false;
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      let rest = bytes;
      if (!isDone) {
        const before = handshake.length;
        handshake = Buffer.concat([handshake, bytes]);
        if (before < 1537 && handshake.length >= 1537)
          socket.write(Buffer.concat([Buffer.of(3), Buffer.alloc(1536, 1), handshake.subarray(1, 1537)]));
        if (handshake.length < 1537 + 1536) return;
        isDone = true;
        rest = handshake.subarray(1537 + 1536);
      }
      for (const { type, payload } of decoder.push(rest)) {
        if (type !== MessageType.userControl || payload.readUInt16BE(0) !== UserControl.pingRequest) continue;
        asked += 1;
        if (asked <= answered) socket.write(chunks.message(userControl(UserControl.pingResponse, 0)));
      }
    });
  });
  const { port } = silent.address() as AddressInfo;
  const traffic = new TrafficCounters();
  const batching = new Batching({ latencyMs: 0, traffic });
  const end = await new Promise<string>((resolve) => {
    const address = { id: 'owner', incarnation: '1', host: '127.0.0.1', port, proxyHeader: false, draining: false };
    new Relay({
      env: {
        ...{ hub: new Hub(new StreamRig().env), batching, traffic },
        keyHash: new KeyHash(new FleetKeys(), Buffer.alloc(32)),
      },
      target: { location: { ...PLACE, owner: address }, token: 'token' },
      relays: { mayFeed: () => true, ended: (_relay, how, reason) => resolve(`${how}: ${reason}`) },
      silenceMs: 30,
    });
  });
  expect([end, asked]).toEqual(['lost: no answer in time', answered + 1]);
  batching.close();
  silent.close();
});
