import type { TaskStanding } from '../aws/task-standing';
import { type Readiness, STARTING } from '../http/http-server';

/**
 * Where a node is in its life. `leaving`: AWS ECS stops its task; the node is emptied without a deadline, until it is
 * told to end or nobody is left. `stopping`: it ends within its drain time.
 */
export type LifecyclePhase = 'starting' | 'open' | 'leaving' | 'stopping';

/** A node's one state, from which everything follows that the node says of itself and whom it lets in. */
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

  /** The node is to be emptied. */
  leave(): void {
    if (this.#phase === 'stopping') return;
    this.#phase = 'leaving';
    this.#left = true;
  }

  /** The node is to end; false when that is under way already. */
  stop(): boolean {
    if (this.#phase === 'stopping') return false;
    this.#phase = 'stopping';
    return true;
  }

  /** From now on the node counts as draining when ECS wants its task no longer. */
  followTask(task: { readonly standing: TaskStanding } | undefined): void {
    this.#task = task;
  }

  /** Why no stream or player may begin here; undefined while they may. */
  get refusal(): string | undefined {
    return this.#phase === 'leaving' || this.#phase === 'stopping' ? 'Server is shutting down' : undefined;
  }

  /** Whether new connections are closed at once: a load balancer that is told to leave this node out opens others. */
  get turnsAway(): boolean {
    return this.#left;
  }

  /** Whether the node counts as draining, which it does once ECS has a newer one for it, too. */
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
