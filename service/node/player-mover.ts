import { within } from '../time/within';
import type { LifeStore } from '../leases/life-store';
import type { Hub } from '../hub/hub';
import type { ConnectionGate } from '../net/gate/connection-gate';
import type { ConnectionIntake } from '../net/connection-intake';
import type { Departure, MovableSession } from '../session/opening';
import type { ConnectionHandle } from '../session/transport';
import type { MonotonicClock } from '../time/clock';

/** The connection of a viewer of this channel, in transit from one worker to another. */
export interface PassedConnection {
  readonly channel: string;
  readonly departure: Departure;
}

/** How the workers of a machine reach each other. */
export interface WorkerLine {
  /** This worker. */
  readonly self: { readonly id: string };
  /**
   * Sends a connection to another worker; if that worker has ended, the connection is closed. False when connections
   * cannot be sent at all; the connection is closed then, too.
   */
  pass(to: string, connection: PassedConnection, handle: ConnectionHandle): boolean;
  /** Tells another worker that no more viewers of this channel are wanted from there. */
  tellCrowded(to: string, channel: string): void;
  listen(listener: WorkerLineListener): void;
}

export interface WorkerLineListener {
  passed(from: string, connection: PassedConnection, handle: ConnectionHandle): void;
  crowded(channel: string): void;
}

export interface PlayerMoverOptions {
  readonly store: LifeStore;
  readonly line: WorkerLine;
  readonly hub: Hub;
  readonly now: MonotonicClock;
}

/**
 * With this many viewers or more, a second worker fetches the stream once and serves its own viewers. For fewer,
 * fetching costs more than it saves: as much as a publisher and a player.
 */
const CROWD = 8;
/** How long viewers stay on this worker after the stream's worker has said that it has enough (ms). */
const CROWDED_MS = 10_000;
/** Time limit of a look-up (ms); after that the viewer is served by this worker. */
const LOCATE_MS = 500;
const WORKER_ID = /^worker-\d+$/;

/**
 * Moves viewers to the worker that has their stream, since connections come to the workers in turn. Only streams with
 * many viewers are served by several workers.
 */
export class PlayerMover {
  readonly #options: PlayerMoverOptions;
  /** Until when the viewers of a channel stay here (ms), the first to expire first. */
  readonly #crowded = new Map<string, number>();
  /** Becomes false with the first connection that cannot be sent. */
  #works = true;

  constructor(options: PlayerMoverOptions) {
    this.#options = options;
  }

  /** Accepts viewers that other workers move here, from now on. */
  receive({ gate, intake }: { readonly gate: ConnectionGate; readonly intake: ConnectionIntake }): void {
    const { line, hub } = this.#options;
    line.listen({
      passed: (from, { channel, departure }, handle) => {
        intake.takeOver(gate, handle, departure);
        if ((hub.find(channel)?.viewerCount ?? 0) >= CROWD) line.tellCrowded(from, channel);
      },
      crowded: (channel) => this.#setCrowded(channel),
    });
  }

  /** Moves the viewer if that is worth it; its session is closed then. */
  async move(session: MovableSession, channel: string): Promise<void> {
    const { line } = this.#options;
    if (!this.#works || this.#isCrowded(channel)) return;
    const worker = await this.#ownerOf(channel);
    if (worker === undefined || worker === line.self.id || !session.opening.canMove) return;
    const departure = session.opening.depart();
    const handle = await session.transport.detach();
    if (handle === undefined || line.pass(worker, { channel, departure }, handle)) return;
    this.#works = false;
    session.log.warning('connections cannot be given to other workers: viewers stay where they come to');
  }

  #setCrowded(channel: string): void {
    const now = this.#options.now();
    this.#crowded.delete(channel);
    for (const [name, until] of this.#crowded) {
      if (until > now) break;
      this.#crowded.delete(name);
    }
    this.#crowded.set(channel, now + CROWDED_MS);
  }

  #isCrowded(channel: string): boolean {
    return (this.#crowded.get(channel) ?? 0) > this.#options.now();
  }

  /**
   * The worker of this machine that has the channel's stream; undefined when none has it, or the look-up takes too
   * long.
   */
  async #ownerOf(channel: string): Promise<string | undefined> {
    const { store, line } = this.#options;
    const found = await within(LOCATE_MS, store.locate(channel), () => undefined);
    if (found === undefined || found.owner.draining) return undefined;
    // In a fleet, a worker's id in the store is the machine's id followed by its own.
    const machine = store.self.id.slice(0, -line.self.id.length);
    const { id } = found.owner;
    return id.startsWith(machine) && WORKER_ID.test(id.slice(machine.length)) ? id.slice(machine.length) : undefined;
  }
}
