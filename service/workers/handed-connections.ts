/**
 * Uses what Node does not document of node:cluster: the messages by which it hands a connection to a worker and hears
 * that the worker has taken it. Where they differ, nothing is noted and node:cluster works as it does by itself.
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
 * The connections that node:cluster has handed to one worker and that the worker has not taken yet. node:cluster forgets
 * them when the worker dies: the parent's descriptors stay open, and the clients wait for an answer that never comes.
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
   * The worker has ended and all that it sent has been read: no byte of these connections was.
   *
   * @param othersServe whether other workers listen, which get the connections then; otherwise they are closed
   */
  release(othersServe: boolean): void {
    const channel = this.#worker.process;
    // Without that event, which does not come when a connection was on its way, node:cluster would hand it further ones.
    channel.emit('disconnect');
    for (const [ack, handle] of this.#waiting) {
      // As a worker answers that closes its listener: node:cluster hands the connection to another one.
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
