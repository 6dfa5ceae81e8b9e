import { randomBytes, randomUUID } from 'node:crypto';
import type { Command } from '../commands/command-parser';
import type {
  AcquireOutcome,
  Lease,
  LeaseRequest,
  NodeAddress,
  RegistryListener,
  StopRecord,
  StreamRegistry,
} from './stream-registry';

const DONE = Promise.resolve();

interface Member {
  address: NodeAddress;
  listener: RegistryListener;
  /** Streams whose stop is this member's to send, and stops that are on their way, by session and jti. */
  readonly stops: Map<string, StopRecord>;
}

/**
 * The registry of the processes of one machine, in the memory of one of them. It never fails and is never away; a
 * member is dead when it is said to be (`lost`).
 */
export class MemoryRegistry {
  readonly #leases = new Map<string, Lease>();
  readonly #members = new Map<string, Member>();
  /** When each block ends, in milliseconds since the epoch. */
  readonly #blocks = new Map<string, number>();
  readonly #secret = Promise.resolve(randomBytes(32));

  /** What one member sees of it. */
  member(id: string): StreamRegistry {
    return new MemberView(this, id);
  }

  /** The member's process has ended: another one sends its stops. */
  lost(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#members.delete(id);
    for (const [channel, lease] of [...this.#leases]) {
      if (lease.node !== id) continue;
      this.#leases.delete(channel);
      this.#changed(channel);
    }
    const [heir] = this.#members.values();
    if (heir === undefined || member.stops.size === 0) return;
    for (const [key, stop] of member.stops) heir.stops.set(key, stop);
    heir.listener.stopsClaimed([...member.stops.values()]);
  }

  /** @internal */
  join(address: NodeAddress, listener: RegistryListener): void {
    this.#members.set(address.id, { address, listener, stops: new Map() });
  }

  /** @internal */
  drain(id: string): void {
    const member = this.#members.get(id);
    if (member !== undefined) member.address = { ...member.address, draining: true };
  }

  /** @internal */
  acquire(id: string, request: LeaseRequest): AcquireOutcome {
    const seconds = this.#blockedSeconds(request.channel);
    if (seconds > 0) return { kind: 'blocked', seconds };
    const lease = this.#leases.get(request.channel);
    const owner = lease && this.#members.get(lease.node)?.address;
    if (lease && owner && lease.session !== request.session) return { kind: 'busy', lease, owner };
    this.#write(id, request);
    return { kind: 'acquired' };
  }

  /** @internal */
  replace(id: string, request: LeaseRequest, from: string, continues: boolean): boolean {
    const { channel } = request;
    const lease = this.#leases.get(channel);
    if (lease?.session !== from || this.#blockedSeconds(channel) > 0) return false;
    const former = this.#members.get(lease.node);
    this.#write(id, request);
    // Not from within the request: its caller does not expect to be called back.
    queueMicrotask(() =>
      former?.listener.order({ kind: 'moved', channel, session: from, continues, stopIsSent: false }),
    );
    return true;
  }

  /** @internal */
  change(channel: string, session: string, changes: Partial<Lease>): boolean {
    const lease = this.#leases.get(channel);
    if (lease?.session !== session) return false;
    this.#leases.set(channel, { ...lease, ...changes });
    this.#changed(channel);
    return true;
  }

  /** @internal */
  free(channel: string, session: string): void {
    if (this.#leases.get(channel)?.session !== session) return;
    this.#leases.delete(channel);
    this.#changed(channel);
  }

  /** @internal */
  locate(channel: string): { lease: Lease; owner: NodeAddress } | undefined {
    const lease = this.#leases.get(channel);
    const owner = lease && this.#members.get(lease.node)?.address;
    return lease && owner && { lease, owner };
  }

  /** @internal */
  stopsOf(id: string): Map<string, StopRecord> | undefined {
    return this.#members.get(id)?.stops;
  }

  /** @internal */
  addresses(): NodeAddress[] {
    return [...this.#members.values()].map(({ address }) => address);
  }

  /** @internal */
  get secret(): Promise<Buffer> {
    return this.#secret;
  }

  block(channel: string, seconds: number): void {
    const now = Date.now();
    // Swept here, so that blocks nobody asks about again do not add up.
    for (const [other, until] of this.#blocks) if (until <= now) this.#blocks.delete(other);
    this.#blocks.set(channel, now + seconds * 1000);
  }

  unblock(channel: string): void {
    this.#blocks.delete(channel);
  }

  #write(id: string, { channel, session, keyHash, startedAt, stop }: LeaseRequest): void {
    const member = this.#members.get(id);
    const incarnation = member?.address.incarnation ?? '';
    const unnamed = { streamId: '', playKeyHash: '', lastTimestamp: 0 };
    this.#leases.set(channel, {
      channel,
      node: id,
      incarnation,
      session,
      state: 'starting',
      keyHash,
      startedAt,
      ...unnamed,
    });
    member?.stops.set(session, stop);
  }

  #changed(channel: string): void {
    for (const { listener } of this.#members.values()) listener.channelChanged(channel);
  }

  #blockedSeconds(channel: string): number {
    const until = this.#blocks.get(channel);
    return until === undefined ? 0 : Math.max(0, Math.ceil((until - Date.now()) / 1000));
  }
}

/** One member's view: the interface of a registry, answered at once. */
class MemberView implements StreamRegistry {
  readonly connected = true;
  readonly #incarnation = randomUUID();
  #address = { host: '127.0.0.1', port: 0 };
  #draining = false;

  constructor(
    private readonly registry: MemoryRegistry,
    private readonly id: string,
  ) {}

  get self(): NodeAddress {
    const { id } = this;
    return { ...this.#address, id, incarnation: this.#incarnation, proxyHeader: false, draining: this.#draining };
  }

  reachableAt(host: string, port: number): void {
    this.#address = { host, port };
  }

  start(listener: RegistryListener): Promise<void> {
    this.registry.join(this.self, listener);
    return DONE;
  }

  acquire(request: LeaseRequest): Promise<AcquireOutcome> {
    return Promise.resolve(this.registry.acquire(this.id, request));
  }

  announce({ session, stop }: LeaseRequest): Promise<void> {
    this.registry.stopsOf(this.id)?.set(session, stop);
    return DONE;
  }

  replace(request: LeaseRequest, from: string, continues: boolean): Promise<boolean> {
    return Promise.resolve(this.registry.replace(this.id, request, from, continues));
  }

  confirm(channel: string, session: string, live: { streamId: string; playKeyHash: string }): Promise<boolean> {
    const stops = this.registry.stopsOf(this.id);
    const stop = stops?.get(session);
    if (stop !== undefined) stops?.set(session, { ...stop, streamId: live.streamId });
    return Promise.resolve(this.registry.change(channel, session, { ...live, state: 'live' }));
  }

  hold(channel: string, session: string, lastTimestamp: number): Promise<void> {
    this.registry.change(channel, session, { state: 'held', lastTimestamp });
    return DONE;
  }

  abandon(channel: string, session: string): Promise<void> {
    this.registry.free(channel, session);
    this.registry.stopsOf(this.id)?.delete(session);
    return DONE;
  }

  end(channel: string, session: string, stop: StopRecord): Promise<boolean> {
    this.registry.free(channel, session);
    const stops = this.registry.stopsOf(this.id);
    stops?.delete(session);
    stops?.set(stop.jti, stop);
    return Promise.resolve(true);
  }

  forget(session: string): Promise<void> {
    this.registry.stopsOf(this.id)?.delete(session);
    return DONE;
  }

  stopDelivered(jti: string): Promise<void> {
    this.registry.stopsOf(this.id)?.delete(jti);
    return DONE;
  }

  locate(channel: string): Promise<{ lease: Lease; owner: NodeAddress } | undefined> {
    return Promise.resolve(this.registry.locate(channel));
  }

  /** Every member hears every command itself, so that only blocks have to be kept. */
  remember(command: Command): Promise<boolean> {
    if (command.verb === 'block') this.registry.block(command.channel, command.seconds);
    else if (command.verb === 'unblock') this.registry.unblock(command.channel);
    return Promise.resolve(true);
  }

  redeliverCommands(): Promise<void> {
    return DONE;
  }

  drain(): Promise<void> {
    this.#draining = true;
    this.registry.drain(this.id);
    return DONE;
  }

  fleetSecret(): Promise<Buffer> {
    return this.registry.secret;
  }

  nodes(): Promise<readonly NodeAddress[]> {
    return Promise.resolve(this.registry.addresses());
  }

  stop(): Promise<void> {
    this.registry.lost(this.id);
    return DONE;
  }
}
