import type { StopRecord } from '../auth/stop-record';
import type { Command } from '../operators/command-parser';
import type { LifeEvent } from '../publishing/life-events';
import type { ChannelStanding } from './channel-standing';
import type { LifeListener, LifeStore, Location, NodeAddress, StopFacts } from './life-store';
import type { MemoryLives } from './memory-lives';

const DONE = Promise.resolve();

/** One member's access to MemoryLives: everything is done when the call returns. */
export class MemoryLifeStore implements LifeStore {
  readonly connected = true;
  readonly #lives: MemoryLives;
  #address: NodeAddress;

  /** @param id unique among the members, and for all time: one run of one process */
  constructor(lives: MemoryLives, id: string) {
    this.#lives = lives;
    const place = { host: '127.0.0.1', port: 0 };
    this.#address = { ...place, id, incarnation: id, proxyHeader: false, draining: false };
  }

  get self(): NodeAddress {
    return this.#address;
  }

  get member(): string {
    return this.#address.id;
  }

  reachableAt(host: string, port: number, httpPort?: number): void {
    this.#address = { ...this.#address, host, port, httpPort };
  }

  start(listener: LifeListener): Promise<void> {
    this.#lives.join(this.#address, listener);
    return DONE;
  }

  apply(channel: string, event: LifeEvent): Promise<void> {
    this.#lives.apply(channel, event, this.#address.id);
    return DONE;
  }

  about(facts: StopFacts): string {
    return JSON.stringify(facts);
  }

  pullStops(max: number): Promise<readonly StopRecord[]> {
    return Promise.resolve(this.#lives.pullStops(this.#address.id, max));
  }

  stopDelivered(jti: string): Promise<void> {
    this.#lives.stopDelivered(jti);
    return DONE;
  }

  get dueStops(): number {
    return this.#lives.dueStops(this.#address.id);
  }

  locate(channel: string): Promise<Location | undefined> {
    return Promise.resolve(this.#lives.locate(channel));
  }

  standing(channel: string): Promise<ChannelStanding> {
    return Promise.resolve(this.#lives.standing(channel));
  }

  remember(command: Command): Promise<boolean> {
    return Promise.resolve(this.#lives.remember(command, this.#address.id));
  }

  /** None was missed: a command that one member hears is applied to the lives of all. */
  redeliverCommands(): Promise<void> {
    return DONE;
  }

  drain(): Promise<void> {
    this.#address = { ...this.#address, draining: true };
    this.#lives.drain(this.#address.id);
    return DONE;
  }

  fleetSecret(): Promise<Buffer> {
    return Promise.resolve(this.#lives.secret);
  }

  nodes(): Promise<readonly NodeAddress[]> {
    return Promise.resolve(this.#lives.addresses());
  }

  stop(): Promise<void> {
    this.#lives.lost(this.#address.id);
    return DONE;
  }
}
