/**
 * Uses undocumented parts of node:cluster: the messages with which it hands a connection to a worker and learns that
 * the worker has accepted it. If a version's messages differ, nothing is noted and node:cluster works as usual.
 */
import type { Worker } from 'node:cluster';
import { closeHandle } from '../net/sockets/socket-handle';
import type { ConnectionHandle } from '../session/transport';

interface ClusterMessage {
  readonly cmd?: unknown;
  readonly act?: unknown;
  readonly seq?: unknown;
  readonly ack?: unknown;
}

/**
 * The connections that node:cluster has handed to one worker and that the worker has not accepted yet. node:cluster
 * forgets them when the worker dies: the parent's descriptors stay open, and the clients wait for an answer for ever.
 */
export class HandedConnections {
  readonly #worker: Worker;
  /** By the number of the message. */
  readonly #waiting = new Map<number, ConnectionHandle>();

  constructor(worker: Worker) {
    this.#worker = worker;
    const channel = worker.process;
    // Without a channel the process could not be started.
    if (typeof channel.send !== 'function') return;
    const send = channel.send.bind(channel) as (...args: unknown[]) => boolean;
    channel.send = (...args: unknown[]): boolean => {
      this.#sent(args[0] as ClusterMessage, args[1] as ConnectionHandle | undefined);
      return send(...args);
    };
    channel.on('internalMessage', ({ cmd, ack }: ClusterMessage) => {
      if (cmd === 'NODE_CLUSTER' && typeof ack === 'number') this.#waiting.delete(ack);
    });
  }

  /**
   * The worker has ended and all its messages have been read: it has read no byte of these connections.
   *
   * @param othersServe whether other workers listen; they get the connections, which are otherwise closed
   */
  release(othersServe: boolean): void {
    const channel = this.#worker.process;
    // This event does not come when a connection was in transit; without it, node:cluster would hand over further ones.
    channel.emit('disconnect');
    for (const [ack, handle] of this.#waiting) {
      // The answer of a worker that closes its listener: node:cluster hands the connection to another worker.
      if (othersServe) channel.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack, accepted: false }, undefined);
      else closeHandle(handle);
    }
    this.#waiting.clear();
  }

  #sent({ cmd, act, seq }: ClusterMessage, handle: ConnectionHandle | undefined): void {
    if (cmd === 'NODE_CLUSTER' && act === 'newconn' && typeof seq === 'number' && handle !== undefined) {
      this.#waiting.set(seq, handle);
    }
  }
}
