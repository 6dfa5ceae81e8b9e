import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { Hub } from '../../../service/hub/hub';
import { FleetKeys } from '../../../service/leases/fleet-keys';
import { KeyHash } from '../../../service/leases/key-hash';
import { TrafficCounters } from '../../../service/metrics/traffic-counters';
import { Batching } from '../../../service/net/batching/batching';
import { Relay } from '../../../service/relay/relay';
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
