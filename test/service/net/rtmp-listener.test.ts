import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { openGate } from '../../../service/net/gate/connection-gate';
import type { ConnectionIntake } from '../../../service/net/connection-intake';
import { RtmpListener } from '../../../service/net/rtmp-listener';
import { MemoryLogger } from '../../support/memory-logger';

test('who connects before it is open is served once it is, with all that was sent meanwhile', async () => {
  let serve: (socket: Socket) => void = () => undefined;
  const served = new Promise<Socket>((resolve) => (serve = resolve));
  let isServed = false;
  void served.then(() => (isServed = true));
  const intake = { open: (socket: Socket) => serve(socket) } as unknown as ConnectionIntake;
  const listener = new RtmpListener({ gate: openGate(), intake, log: new MemoryLogger() });
  const { port } = await listener.listen(0, '127.0.0.1');
  const client = connect(port, '127.0.0.1');
  client.write('hello');
  await once(client, 'connect');
  // Connections are accepted in their order: this one's turn is after the client's.
  const other = connect(port, '127.0.0.1');
  await once(other, 'connect');
  other.resetAndDestroy();
  expect(isServed).toBe(false);
  listener.open();
  const socket = await served;
  const [bytes] = (await once(socket.resume(), 'data')) as [Buffer];
  expect(bytes.toString()).toBe('hello');
  listener.close();
  client.destroy();
  socket.destroy();
});

test('those who wait when it is closed, reset or not, end without a word', async () => {
  const log = new MemoryLogger();
  const intake = { open: () => log.error('served') } as unknown as ConnectionIntake;
  const listener = new RtmpListener({ gate: openGate(), intake, log });
  const { port } = await listener.listen(0, '127.0.0.1');
  const [waiting, gone, last] = [0, 1, 2].map(() => connect(port, '127.0.0.1').on('error', () => undefined));
  const closed = once(waiting!, 'close');
  waiting!.resume();
  await Promise.all([waiting, gone, last].map((client) => once(client!, 'connect')));
  gone!.resetAndDestroy();
  listener.close();
  await closed;
  last!.destroy();
  expect(log.entries).toEqual([]);
});
