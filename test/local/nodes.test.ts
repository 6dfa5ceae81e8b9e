import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from '@jest/globals';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { proxyHeaderV2Vectors } from '../vectors/proxy-protocol-vectors';
import { DeploymentOfFile } from './deployment-of-file';
import { canContain } from './ingest/container';
import type { FargateTask } from './ingest/fargate-service';
import { balancerAddress } from './ingest/load-balancer';
import { createChannel } from './stream-channels';

const file = DeploymentOfFile.start();

/** Bytes captured from a network load balancer: its health check, and a client that connected by PrivateLink. */
const [healthCheck = Buffer.alloc(0), privateLink = Buffer.alloc(0)] = proxyHeaderV2Vectors.map(({ hex }) =>
  Buffer.from(hex.replace(/\s+/g, ''), 'hex'),
);

const fronts: Server[] = [];
afterAll(() => fronts.forEach((front) => front.close()));

function firstTask(): FargateTask {
  const [task] = file.deployment.service.tasks;
  if (task === undefined) throw new Error('there is no task');
  return task;
}

/** Forwards connections to the first task, from the given address, with these bytes in front. */
async function front(header: Buffer, localAddress = balancerAddress): Promise<number> {
  const server = createServer((client) => {
    const node = connect({ host: '127.0.0.1', port: firstTask().port(1935), localAddress });
    node.write(header);
    client.pipe(node).pipe(client);
    for (const socket of [client, node]) socket.on('error', () => undefined);
    node.on('close', () => client.destroy());
  }).listen(0, '127.0.0.1');
  fronts.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe('a node', () => {
  test('knows a client that comes by PrivateLink by the address in the header', async () => {
    const key = await createChannel(file.deployment, 'private');
    const port = await front(privateLink);
    const publisher = await RtmpClient.publisher({ port, channel: 'private', key });
    expect(file.callbacksOf('private')).toMatchObject([{ event: 'start', client_ip: '172.31.7.113' }]);
    publisher.deleteStream();
    await publisher.close();
  });

  test.each<[string, Buffer, string | undefined]>([
    ['whose header has a wrong checksum', withOtherAddress(privateLink), undefined],
    ['that brings a second header of its own', Buffer.concat([privateLink, privateLink]), undefined],
    ['without a header', Buffer.alloc(0), undefined],
    ['that does not come from the load balancer', privateLink, '127.0.0.9'],
  ])('takes no connection %s', async (_what, header, from) => {
    const port = await front(header, from);
    await expect(RtmpClient.connect({ port, app: 'private' })).rejects.toThrow();
  });

  test('answers the health check of a network load balancer, and does not log those of its RTMP port', async () => {
    const task = firstTask();
    const http = connect({ host: '127.0.0.1', port: task.port(8080), localAddress: balancerAddress });
    http.write(
      Buffer.concat([healthCheck, Buffer.from('GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n')]),
    );
    expect(await text(http)).toMatch(/^HTTP\/1\.1 200 /);

    const before = task.program.output.length;
    for (const bytes of [healthCheck, Buffer.alloc(0)]) {
      const check = connect({ host: '127.0.0.1', port: task.port(1935), localAddress: balancerAddress });
      check.end(bytes);
      await once(check.resume(), 'close');
    }
    expect(task.program.output.slice(before)).toBe('');
  });

  test('has no rights and no file that it could write, as the task definition says', () => {
    // Only root can isolate a task like this.
    if (!canContain()) return;
    for (const { program } of file.deployment.service.tasks) {
      const status = readFileSync(`/proc/${program.pid}/status`, 'utf8');
      expect(status).toMatch(/^Uid:\s+1000\s+1000\s+1000\s+1000$/m);
      expect(status).toMatch(/^CapEff:\s+0+$/m);
      const mounts = readFileSync(`/proc/${program.pid}/mountinfo`, 'utf8').split('\n');
      const writable = mounts
        .map((line) => line.split(' '))
        .filter(([, , , , path, options]) => {
          return path !== undefined && path !== '/proc' && !options?.startsWith('ro');
        });
      expect(writable).toEqual([]);
    }
  });
});

function withOtherAddress(header: Buffer): Buffer {
  const changed = Buffer.from(header);
  changed.writeUInt8(changed.readUInt8(16) ^ 1, 16);
  return changed;
}
