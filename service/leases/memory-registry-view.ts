import type { Command } from '../operators/command-parser';
import type { MemoryRegistry } from './memory-registry';
import type { StopRecord } from '../auth/stop-record';
import type {
  AcquireOutcome,
  Lease,
  LeaseRequest,
  NodeAddress,
  RegistryListener,
  LeaseRegistry,
} from './lease-registry';

const DONE = Promise.resolve();

/** One member's view of a MemoryRegistry: every request is answered at once. */
export class MemoryRegistryView implements LeaseRegistry {
  readonly connected = true;
  readonly #registry: MemoryRegistry;
  #address: NodeAddress;

  /** @param id unique among the members, and for all time: one run of one process */
  constructor(registry: MemoryRegistry, id: string) {
    this.#registry = registry;
    const place = { host: '127.0.0.1', port: 0 };
    this.#address = { ...place, id, incarnation: id, proxyHeader: false, draining: false };
  }

  get self(): NodeAddress {
    return this.#address;
  }

  reachableAt(host: string, port: number, httpPort?: number): void {
    this.#address = { ...this.#address, host, port, httpPort };
  }

  start(listener: RegistryListener): Promise<void> {
    this.#registry.join(this.#address, listener);
    return DONE;
  }

  acquire(request: LeaseRequest): Promise<AcquireOutcome> {
    return Promise.resolve(this.#registry.acquire(this.#address.id, request));
  }

  announce({ publishId, stop }: LeaseRequest): Promise<void> {
    this.#stops?.set(publishId, stop);
    return DONE;
  }

  replace(request: LeaseRequest, from: string, continues: boolean): Promise<boolean> {
    return Promise.resolve(this.#registry.replace(this.#address.id, request, from, continues));
  }

  confirm(channel: string, publishId: string, live: { streamId: string; playKeyHash: string }): Promise<boolean> {
    return Promise.resolve(this.#registry.confirm(this.#address.id, channel, publishId, live));
  }

  hold(channel: string, publishId: string, lastTimestamp: number): Promise<void> {
    this.#registry.hold(channel, publishId, lastTimestamp);
    return DONE;
  }

  keep(channel: string, publishId: string, keeps: boolean): Promise<void> {
    this.#registry.keep(channel, publishId, keeps);
    return DONE;
  }

  abandon(channel: string, publishId: string): Promise<void> {
    this.#registry.free(channel, publishId);
    this.#stops?.delete(publishId);
    return DONE;
  }

  end(channel: string, publishId: string, stop: StopRecord): Promise<boolean> {
    this.#registry.free(channel, publishId);
    this.#stops?.delete(publishId);
    this.#stops?.set(stop.jti, stop);
    return Promise.resolve(true);
  }

  forget(publishId: string): Promise<void> {
    this.#stops?.delete(publishId);
    return DONE;
  }

  stopDelivered(jti: string): Promise<void> {
    this.#stops?.delete(jti);
    return DONE;
  }

  locate(channel: string): Promise<{ lease: Lease; owner: NodeAddress } | undefined> {
    return Promise.resolve(this.#registry.locate(channel));
  }

  remember(command: Command): Promise<boolean> {
    return Promise.resolve(this.#registry.remember(command));
  }

  blockedSeconds(channel: string): Promise<number> {
    return Promise.resolve(this.#registry.blockedSeconds(channel));
  }

  redeliverCommands(): Promise<void> {
    this.#registry.redeliver(this.#address.id);
    return DONE;
  }

  drain(): Promise<void> {
    this.#address = { ...this.#address, draining: true };
    this.#registry.drain(this.#address.id);
    return DONE;
  }

  fleetSecret(): Promise<Buffer> {
    return Promise.resolve(this.#registry.secret);
  }

  nodes(): Promise<readonly NodeAddress[]> {
    return Promise.resolve(this.#registry.addresses());
  }

  stop(): Promise<void> {
    this.#registry.lost(this.#address.id);
    return DONE;
  }

  get #stops(): Map<string, StopRecord> | undefined {
    return this.#registry.stopsOf(this.#address.id);
  }
}
