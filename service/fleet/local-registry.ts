import { randomBytes, randomUUID } from 'node:crypto';
import { type Command, endsStream } from '../commands/command-parser';
import type {
  AcquireOutcome,
  Lease,
  LeaseRequest,
  NodeAddress,
  RegistryListener,
  StreamRegistry,
} from './stream-registry';

const DONE = Promise.resolve();

/**
 * The registry of a node that is alone: everything is decided in this process and answered at once. Pending stops need
 * no second memory here, for nobody else could send them; blocks end with the process.
 */
export class LocalRegistry implements StreamRegistry {
  readonly connected = true;
  private readonly leases = new Map<string, Lease>();
  /** Commands that came while a publish was being decided on, by session. */
  private readonly orders = new Map<string, Command[]>();
  /** When each block ends, in milliseconds since the epoch. */
  private readonly blocks = new Map<string, number>();
  private readonly secret = Promise.resolve(randomBytes(32));
  private address: NodeAddress;
  private listener: RegistryListener | undefined;

  constructor(
    address: Pick<NodeAddress, 'id' | 'host' | 'port'> = { id: 'local', host: '127.0.0.1', port: 0 },
    private readonly now: () => number = Date.now,
  ) {
    this.address = { ...address, incarnation: randomUUID(), proxyHeader: false, draining: false };
  }

  get self(): NodeAddress {
    return this.address;
  }

  start(listener: RegistryListener): Promise<void> {
    this.listener = listener;
    return DONE;
  }

  acquire(request: LeaseRequest): Promise<AcquireOutcome> {
    const seconds = this.blockedSeconds(request.channel);
    if (seconds > 0) return Promise.resolve({ kind: 'blocked', seconds });
    const lease = this.leases.get(request.channel);
    if (lease && lease.session !== request.session) {
      return Promise.resolve({ kind: 'busy', lease, owner: this.address });
    }
    this.leases.set(request.channel, this.startingLease(request));
    return Promise.resolve({ kind: 'acquired' });
  }

  replace(request: LeaseRequest, from: string, continues: boolean): Promise<boolean> {
    const { channel } = request;
    if (this.leases.get(channel)?.session !== from || this.blockedSeconds(channel) > 0) return Promise.resolve(false);
    this.orders.delete(from);
    this.leases.set(channel, this.startingLease(request));
    // Not from within the request: its caller does not expect to be called back.
    queueMicrotask(() => this.listener?.order({ kind: 'moved', channel, session: from, continues, stopIsSent: false }));
    return Promise.resolve(true);
  }

  announce(): Promise<void> {
    return DONE;
  }

  confirm(channel: string, session: string, live: { streamId: string; playKeyHash: string }): Promise<boolean> {
    const killed = this.orders.get(session)?.some((command) => endsStream(command, live.streamId)) ?? false;
    this.orders.delete(session);
    if (killed) return Promise.resolve(false);
    return Promise.resolve(this.change(channel, session, { ...live, state: 'live' }));
  }

  hold(channel: string, session: string, lastTimestamp: number): Promise<void> {
    this.change(channel, session, { state: 'held', lastTimestamp });
    return DONE;
  }

  abandon(channel: string, session: string): Promise<void> {
    this.orders.delete(session);
    if (this.leases.get(channel)?.session === session) this.leases.delete(channel);
    return DONE;
  }

  end(channel: string, session: string): Promise<boolean> {
    void this.abandon(channel, session);
    return Promise.resolve(true);
  }

  forget(): Promise<void> {
    return DONE;
  }

  stopDelivered(): Promise<void> {
    return DONE;
  }

  locate(channel: string): Promise<{ lease: Lease; owner: NodeAddress } | undefined> {
    const lease = this.leases.get(channel);
    return Promise.resolve(lease && { lease, owner: this.address });
  }

  remember(command: Command): Promise<boolean> {
    if (command.verb === 'drain' || command.verb === 'list') return Promise.resolve(true);
    const { channel } = command;
    const lease = this.leases.get(channel);
    if (lease?.state === 'starting') {
      this.orders.set(lease.session, [...(this.orders.get(lease.session) ?? []), command]);
    }
    if (command.verb === 'block') this.block(channel, command.seconds);
    else if (command.verb === 'unblock') this.blocks.delete(channel);
    return Promise.resolve(true);
  }

  redeliverCommands(): Promise<void> {
    return DONE;
  }

  drain(): Promise<void> {
    this.address = { ...this.address, draining: true };
    return DONE;
  }

  fleetSecret(): Promise<Buffer> {
    return this.secret;
  }

  nodes(): Promise<readonly NodeAddress[]> {
    return Promise.resolve([this.address]);
  }

  stop(): Promise<void> {
    this.listener = undefined;
    return DONE;
  }

  private startingLease({ channel, session, keyHash, startedAt }: LeaseRequest): Lease {
    const { id: node, incarnation } = this.address;
    const unnamed = { streamId: '', playKeyHash: '', lastTimestamp: 0 };
    return { channel, node, incarnation, session, state: 'starting', keyHash, startedAt, ...unnamed };
  }

  private change(channel: string, session: string, changes: Partial<Lease>): boolean {
    const lease = this.leases.get(channel);
    if (lease?.session !== session) return false;
    this.leases.set(channel, { ...lease, ...changes });
    return true;
  }

  private block(channel: string, seconds: number): void {
    const now = this.now();
    // Swept here, so that blocks nobody asks about again do not add up.
    for (const [other, until] of this.blocks) {
      if (until <= now) this.blocks.delete(other);
    }
    this.blocks.set(channel, now + seconds * 1000);
  }

  private blockedSeconds(channel: string): number {
    const until = this.blocks.get(channel);
    return until === undefined ? 0 : Math.max(0, Math.ceil((until - this.now()) / 1000));
  }
}
