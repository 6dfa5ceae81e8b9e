import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface SocketPair {
  /** As a listener of the service accepts it: paused, without event listeners. */
  readonly accepted: Socket;
  readonly client: Socket;
}

const opened: Socket[] = [];

/** Both ends of a connection over the loopback. */
export async function socketPair(): Promise<SocketPair> {
  const server = createServer({ pauseOnConnect: true, noDelay: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  server.close();
  opened.push(accepted, client);
  return { accepted, client };
}

/** To be called after each test that made one. */
export function closeSocketPairs(): void {
  for (const socket of opened.splice(0)) socket.destroy();
}
