import type { StopRecord } from '../auth/stop-record';
import type { ChannelStanding } from '../leases/channel-standing';
import type { LifeListener, LifeStore, Location, NodeAddress, StopFacts } from '../leases/life-store';
import type { Command } from '../operators/command-parser';
import type { LifeEvent } from '../publishing/life-events';
import { STARTING, type StreamPlayer } from '../http/http-server';
import type { Logger } from '../logging/logger';
import type { ConnectionPlaces } from '../net/gate/connection-limits';
import { closeHandle, socketOn } from '../net/sockets/socket-handle';
import type { TestAnnouncer } from '../net/self-test/test-connections';
import type { ConnectionHandle } from '../session/transport';
import type { ConnectionMessage, HttpPlayerMessage, ParentMessage, Topic, WorkerMessage } from './messages';
import type { WorkerState } from '../node/node-state';
import type { ParentOutputs } from '../node/open-outputs';
import type { HttpPlayerLine } from '../node/open-viewers';
import type { PassedConnection, WorkerLine, WorkerLineListener } from '../node/player-mover';
import type { OrderAnswer, OutputsListener, StreamNews } from '../outputs/host/outputs-line';
import type { OutputOrder } from '../http/api/schemas/output-order';

import { sendConnection } from './send-connection';

export interface ParentLinkOptions {
  /** Unique among the workers. */
  readonly id: string;
  /** Which of the machine's workers it is, from 0; a worker that replaces another has the same slot. */
  readonly slot: number;
  readonly log: Logger;
  /** The parent ends this worker. */
  readonly stopRequested: () => void;
}

/**
 * A worker's link to the parent process, which keeps the lives of all channels and the count of connections for all workers, and
 * forwards connections between them. The link cannot break while both processes live; when the parent dies, the worker
 * ends.
 */
export class ParentLink implements LifeStore, WorkerLine, HttpPlayerLine {
  readonly connected = true;
  /** The address at which other workers reach this one. */
  #address: Pick<NodeAddress, 'host' | 'port' | 'httpPort'> = { host: '127.0.0.1', port: 0 };
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #lastId = 0;
  #listener: LifeListener | undefined;
  #state: WorkerState | undefined;
  #lineListener: WorkerLineListener | undefined;
  #testAnnounced: ((localPort: number) => void) | undefined;
  #httpPlayers: StreamPlayer | undefined;
  #draining = false;
  #outputsListener: OutputsListener | undefined;
  /** Stops that this worker delivers. */
  readonly #pulled = new Set<string>();
  readonly #options: ParentLinkOptions;

  constructor(options: ParentLinkOptions) {
    this.#options = options;
    process.on('message', (message: ParentMessage, handle?: ConnectionHandle) => this.#receive(message, handle));
  }

  get slot(): number {
    return this.#options.slot;
  }

  get self(): NodeAddress {
    const { id } = this.#options;
    return { ...this.#address, id, incarnation: id, proxyHeader: false, draining: this.#draining };
  }

  /** To be called before `start`: the address at which other workers reach this one. */
  reachableAt(host: string, port: number, httpPort?: number): void {
    this.#address = { host, port, httpPort };
  }

  /** From now on, the parent can ask for this state. */
  show(state: WorkerState): void {
    this.#state = state;
  }

  tell(message: WorkerMessage): void {
    process.send?.(message);
  }

  listen(listener: WorkerLineListener): void {
    this.#lineListener = listener;
  }

  takeHttpPlayers(player: StreamPlayer | undefined): void {
    this.#httpPlayers = player;
  }

  pass(to: string, { channel, departure }: PassedConnection, handle: ConnectionHandle): boolean {
    const { clientIp, said, answeredBytes } = departure;
    const message: ConnectionMessage = {
      kind: 'connection',
      worker: to,
      channel,
      clientIp,
      said: said.toString('base64'),
      answeredBytes,
    };
    return sendConnection((...args) => process.send?.(...args), message, handle);
  }

  /** The machine's line to `rtmp-outputs`, which the parent has. */
  readonly outputs: ParentOutputs = {
    tell: (news: StreamNews) => this.tell({ kind: 'outputs', news }),
    listen: (listener) => (this.#outputsListener = listener),
    order: (channel: string, order: OutputOrder) => this.#ask<OrderAnswer>('orderOutputs', channel, order),
    outputsKey: async () => Buffer.from(await this.#ask<string>('outputsKey'), 'base64'),
    finishOutputs: (withinMs) => this.#ask('finishOutputs', withinMs),
  };

  tellCrowded(to: string, channel: string): void {
    this.tell({ kind: 'crowded', worker: to, channel });
  }

  /** Places for connections, which the parent counts for all workers. */
  readonly places: ConnectionPlaces = {
    acquire: (address, unlimited) => this.#ask<boolean>('acquireConnection', address, unlimited),
    release: (address) => this.tell({ kind: 'release', address }),
  };

  /** Announces test connections to all workers, any of which may get them. */
  readonly testAnnouncer: TestAnnouncer = {
    announce: (localPort) => this.#ask('announceTest', localPort),
    onAnnounced: (listener) => (this.#testAnnounced = listener),
  };

  get member(): string {
    return this.#options.id;
  }

  start(listener: LifeListener): Promise<void> {
    this.#listener = listener;
    return this.#ask('join', this.#address.host, this.#address.port);
  }

  apply(channel: string, event: LifeEvent): Promise<void> {
    // The effects come before the answer.
    return this.#ask('apply', channel, event);
  }

  about(facts: StopFacts): string {
    return JSON.stringify(facts);
  }

  async pullStops(max: number): Promise<readonly StopRecord[]> {
    const stops = await this.#ask<readonly StopRecord[]>('pullStops', max);
    for (const { jti } of stops) this.#pulled.add(jti);
    return stops;
  }

  stopDelivered(jti: string): Promise<void> {
    this.#pulled.delete(jti);
    return this.#ask('stopDelivered', jti);
  }

  get dueStops(): number {
    return this.#pulled.size;
  }

  standing(channel: string): Promise<ChannelStanding> {
    return this.#ask('standing', channel);
  }

  locate(channel: string): Promise<Location | undefined> {
    return this.#ask('locate', channel);
  }

  remember(command: Command): Promise<boolean> {
    return this.#ask('remember', command);
  }

  blockedSeconds(channel: string): Promise<number> {
    return this.#ask('blockedSeconds', channel);
  }

  redeliverCommands(): Promise<void> {
    return this.#ask('redeliverCommands');
  }

  drain(): Promise<void> {
    this.#draining = true;
    return this.#ask('drain');
  }

  async fleetSecret(): Promise<Buffer> {
    return Buffer.from(await this.#ask<string>('fleetSecret'), 'base64');
  }

  nodes(): Promise<readonly NodeAddress[]> {
    return this.#ask('nodes');
  }

  stop(): Promise<void> {
    return this.#ask('stop');
  }

  #ask<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<T>((resolve) => {
      this.#waiting.set(id, (result) => resolve(result as T));
      this.tell({ kind: 'request', id, method, args });
    });
  }

  #receive(message: ParentMessage, handle: ConnectionHandle | undefined): void {
    switch (message.kind) {
      case 'answer':
        this.#waiting.get(message.id)?.(message.result);
        this.#waiting.delete(message.id);
        break;
      case 'perform':
        this.#listener?.perform(message.channel, message.effects);
        break;
      case 'changed':
        this.#listener?.channelChanged(message.channel);
        break;
      case 'stopsDue':
        this.#listener?.stopsDue();
        break;
      case 'question':
        void this.#report(message.id, message.topic, message.args);
        break;
      case 'connection':
        // Without the handle, the connection was lost in transit: the client has left.
        if (handle !== undefined) this.#passed(message, handle);
        break;
      case 'httpPlayer':
        if (handle !== undefined) this.#passedPlayer(message, handle);
        break;
      case 'crowded':
        this.#lineListener?.crowded(message.channel);
        break;
      case 'testAnnounced':
        this.#testAnnounced?.(message.localPort);
        break;
      case 'outputsStatus':
        this.#outputsListener?.status(message.channel, message.run, message.outputs);
        break;
      case 'outputsOrdered':
        this.#outputsListener?.ordered(message.channel, message.run, message.ordered);
        break;
      case 'outputsFact':
        this.#outputsListener?.fact(message.fact);
        break;
      case 'stop':
        this.#options.stopRequested();
        break;
    }
  }

  #passed(message: ConnectionMessage, handle: ConnectionHandle): void {
    const { worker, channel, clientIp, said, answeredBytes } = message;
    const departure = { clientIp, said: Buffer.from(said, 'base64'), answeredBytes };
    if (this.#lineListener === undefined) closeHandle(handle);
    else this.#lineListener.passed(worker, { channel, departure }, handle);
  }

  #passedPlayer({ request }: HttpPlayerMessage, handle: ConnectionHandle): void {
    if (this.#httpPlayers === undefined) {
      closeHandle(handle);
      return;
    }
    const socket = socketOn(handle);
    // A player that gets its stream as the answer to a request has nothing more to say.
    if (request.head === undefined) socket.on('data', () => socket.destroy());
    this.#httpPlayers.play(request, socket);
  }

  async #report(id: number, topic: Topic, args: readonly unknown[]): Promise<void> {
    let answer: unknown = topic === 'ready' ? STARTING : undefined;
    try {
      if (this.#state !== undefined) {
        const answers = this.#state as unknown as Record<Topic, (...given: readonly unknown[]) => unknown>;
        answer = await answers[topic](...args);
      }
    } catch (error) {
      this.#options.log.error('a question of the parent process cannot be answered', { topic, error: String(error) });
    }
    this.tell({ kind: 'report', id, answer });
  }
}
