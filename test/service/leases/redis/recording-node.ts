import { EventEmitter, once } from 'node:events';
import { randomUUID } from 'node:crypto';
import type { ChangingPassword } from '../../../../service/redis/redis-password';
import type { RegistryTiming } from '../../../../service/leases/redis/registry-timing';
import { FleetKeys } from '../../../../service/leases/fleet-keys';
import { RedisRegistry } from '../../../../service/leases/redis/redis-registry';
import type { StopRecord } from '../../../../service/auth/stop-record';
import type {
  LeaseRequest,
  LiveLease,
  RegistryListener,
  RegistryOrder,
} from '../../../../service/leases/lease-registry';
import { MemoryLogger } from '../../../support/memory-logger';

/** Several times as fast as in production. */
export const FAST: RegistryTiming = { ttlMs: 1_200, beatMs: 250, requestTimeoutMs: 600, auditMs: 600_000 };

export interface RecordingNodeOptions {
  readonly port: number;
  readonly id?: string;
  readonly timing?: Partial<RegistryTiming>;
  readonly username?: string;
  readonly password?: string;
  readonly passwordFrom?: ChangingPassword;
  /** JWT_SECRET; null for a node without a callback. */
  readonly secret?: string | null;
}

/** A request for a channel, as a publisher's arrival makes one. */
export function leaseRequest(channel: string, more: Partial<LeaseRequest> = {}): LeaseRequest {
  const publishId = more.publishId ?? randomUUID();
  return {
    channel,
    publishId,
    keyHash: 'hash-of-key',
    startedAt: Date.now(),
    stop: { jti: `jti-${publishId}`, channel, key: 'key', clientIp: '192.0.2.1', query: 'a=b', streamId: '' },
    ...more,
  };
}

/**
 * A node of a fleet as the registry sees it: it has no streams, but executes orders as a node does and records all
 * notifications.
 */
export class RecordingNode implements RegistryListener {
  readonly registry: RedisRegistry;
  readonly log = new MemoryLogger();
  readonly keys = new FleetKeys();
  readonly orders: RegistryOrder[] = [];
  readonly changed: string[] = [];
  readonly claimed: StopRecord[] = [];
  readonly live = new Map<string, LiveLease>();
  /** Stops that this node would send: of its own streams' ends, and claimed ones. */
  readonly stopsToSend: StopRecord[] = [];
  readonly #told = new EventEmitter();

  constructor({
    port,
    id = `node-${randomUUID().slice(0, 8)}`,
    timing,
    secret = 'of the callback',
    passwordFrom,
    ...login
  }: RecordingNodeOptions) {
    const { username, password } = login;
    if (secret !== null) this.keys.use(secret);
    this.registry = new RedisRegistry({
      config: { host: '127.0.0.1', port, username, password, tls: undefined, channel: 'rtmp_commands' },
      password: passwordFrom,
      address: { id, host: '10.0.0.1', port: 1935, proxyHeader: false },
      log: this.log,
      keys: this.keys,
      timing: { ...FAST, ...timing },
    });
  }

  static async start(options: RecordingNodeOptions): Promise<RecordingNode> {
    const node = new RecordingNode(options);
    await node.registry.start(node);
    return node;
  }

  /** As in the names of keys. */
  get member(): string {
    const { id, incarnation } = this.registry.self;
    return `${id}/${incarnation}`;
  }

  /** Publishes: gives the request if the stream is live afterwards. */
  async publish(
    channel: string,
    streamId: string,
    more: Partial<LeaseRequest> = {},
  ): Promise<LeaseRequest | undefined> {
    const request = leaseRequest(channel, more);
    const outcome = await this.registry.acquire(request);
    if (outcome.kind !== 'acquired' && outcome.kind !== 'unavailable') return undefined;
    if (!(await this.registry.confirm(channel, request.publishId, { streamId, playKeyHash: 'hash-of-play-key' }))) {
      await this.end(request, streamId);
      return undefined;
    }
    this.live.set(request.publishId, { ...request, state: 'live', streamId, playKeyHash: 'hash-of-play-key' });
    return request;
  }

  async end({ channel, publishId, stop }: LeaseRequest, streamId: string): Promise<boolean> {
    this.live.delete(publishId);
    const record = { ...stop, streamId };
    const isMine = await this.registry.end(channel, publishId, record);
    if (isMine) this.stopsToSend.push(record);
    this.#told.emit('told');
    return isMine;
  }

  /** Calls back after each notification of the registry. */
  whenTold(callback: () => void): void {
    this.#told.on('told', callback);
  }

  /** Resolves when `condition` holds; it is checked after each notification of the registry. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await once(this.#told, 'told');
  }

  order(order: RegistryOrder): void {
    this.orders.push(order);
    if (order.kind === 'moved') {
      const lease = this.live.get(order.publishId);
      this.live.delete(order.publishId);
      if (lease && order.continues) void this.registry.forget(order.publishId);
      else if (lease && !order.stopIsSent) void this.end(lease, lease.streamId);
    }
    this.#told.emit('told');
  }

  channelChanged(channel: string): void {
    this.changed.push(channel);
    this.#told.emit('told');
  }

  stopsClaimed(stops: readonly StopRecord[]): void {
    this.claimed.push(...stops);
    this.stopsToSend.push(...stops);
    this.#told.emit('told');
  }

  localLeases(): readonly LiveLease[] {
    return [...this.live.values()];
  }
}
