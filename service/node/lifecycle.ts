import type { TaskStanding } from '../aws/task-standing';
import { type Readiness, STARTING } from '../http/http-server';

/**
 * A node's phase. `leaving`: AWS ECS stops its task; the node is drained without a deadline, until it is told to end or
 * no session is left. `stopping`: it ends within its drain time.
 */
export type LifecyclePhase = 'starting' | 'open' | 'leaving' | 'stopping';

/** A node's state; its readiness, and which clients it accepts, follow from it. */
export class Lifecycle {
  #phase: LifecyclePhase = 'starting';
  #left = false;
  #task: { readonly standing: TaskStanding } | undefined;

  get phase(): LifecyclePhase {
    return this.#phase;
  }

  /** Clients are served from now on. */
  open(): void {
    if (this.#phase === 'starting') this.#phase = 'open';
  }

  /** The node begins to drain. */
  leave(): void {
    if (this.#phase === 'stopping') return;
    this.#phase = 'leaving';
    this.#left = true;
  }

  /** The node begins to end; false when it is already ending. */
  stop(): boolean {
    if (this.#phase === 'stopping') return false;
    this.#phase = 'stopping';
    return true;
  }

  /** From now on the node counts as draining when ECS no longer wants its task. */
  followTask(task: { readonly standing: TaskStanding } | undefined): void {
    this.#task = task;
  }

  /** Why no stream or player may begin here; undefined while they may. */
  get refusal(): string | undefined {
    return this.#phase === 'leaving' || this.#phase === 'stopping' ? 'Server is shutting down' : undefined;
  }

  /** Whether new connections are closed at once, so that the load balancer connects these clients to other nodes. */
  get turnsAway(): boolean {
    return this.#left;
  }

  /** Whether the node counts as draining, also because ECS has started a newer task in its place. */
  get draining(): boolean {
    return this.#phase === 'stopping' || (this.#task !== undefined && this.#task.standing !== 'wanted');
  }

  /** @param fault why clients cannot be served although the node is open; undefined when they can */
  readiness(fault: () => string | undefined): Readiness {
    switch (this.#phase) {
      case 'starting':
        return STARTING;
      case 'leaving':
        return { ready: false, reason: 'leaving' };
      case 'stopping':
        return { ready: false, reason: 'shutting down' };
      case 'open': {
        const reason = fault();
        return reason === undefined ? { ready: true } : { ready: false, reason };
      }
    }
  }
}
