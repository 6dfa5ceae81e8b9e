import type { Admission } from '../admission/admission';
import type { PublishAuthorizer } from '../auth/publish-authorizer';
import type { FleetMember } from '../fleet/fleet-member';
import type { FlvViewers } from '../http/flv/flv-viewers';
import type { Logger } from '../logging/logger';
import type { Operators } from '../operators/operators';
import type { OpenSessions } from '../session/open-sessions';
import { drainSessions } from './drain';
import type { Listeners } from './listeners';
import type { OpenOutputs } from './open-outputs';
import type { MonotonicClock } from '../time/clock';

/** Part of the drain time that a fleet's node reserves for ending remaining sessions and for stop callbacks (ms). */
const FINAL_MS = 3_000;
/** Part of the drain time that is reserved for closing connections after the stop callbacks (ms). */
const CLOSE_MS = 500;

/** One step of a node's end. */
export interface ShutdownStep {
  readonly name: string;
  /** The step ends this long before the deadline (ms); default: 0. */
  readonly reserveMs?: number;
  /** The step waits at most this long (ms); default: as long as there is time. */
  readonly maxMs?: number;
  /** @param leftMs how long the step may wait; 0 when its time is over, because the step must run anyway */
  readonly run: (leftMs: number) => unknown;
}

export interface ShutdownOptions {
  readonly steps: readonly ShutdownStep[];
  /** For all steps together (ms). */
  readonly drainMs: number;
  readonly log: Logger;
  readonly now: MonotonicClock;
}

/** Runs the steps one after the other, each within its time. */
export async function shutDown({ steps, drainMs, log, now }: ShutdownOptions): Promise<void> {
  const deadline = now() + drainMs;
  for (const { name, run, reserveMs = 0, maxMs = Infinity } of steps) {
    const leftMs = Math.max(0, Math.min(maxMs, deadline - reserveMs - now()));
    log.debug(`shutdown: ${name}`, { leftMs: Math.round(leftMs) });
    await run(leftMs);
  }
}

/** Something that ends with the node, if there is one. */
type Closeable = { close(): unknown } | undefined;

export interface StoppingNode {
  readonly inFleet: boolean;
  readonly log: Logger;
  readonly sessions: OpenSessions;
  readonly viewers: Pick<FlvViewers, 'shutDown' | 'letGo'> | undefined;
  readonly listeners: Listeners;
  readonly operators: Operators | undefined;
  readonly admission: Admission;
  readonly outputs: Pick<OpenOutputs, 'finish'> | undefined;
  readonly authorizer: PublishAuthorizer;
  readonly member: FleetMember;
  /** The node has left the fleet. */
  readonly left: () => void;
  readonly stopClock: () => void;
  /** Parts that are closed after all other steps, in this order. */
  readonly rest: readonly Closeable[];
}

/** The steps of a node's end: first clients, then their stop callbacks, then the fleet, then the rest. */
export function shutdownSteps(node: StoppingNode): readonly ShutdownStep[] {
  const { log, sessions, viewers, listeners, operators, admission, outputs, authorizer, member } = node;
  let hushed: Promise<void> | undefined;
  let completed: Promise<void> | undefined;
  const handOver: readonly ShutdownStep[] = [
    { name: 'tell the fleet', run: () => member.store.drain() },
    { name: 'let HTTP players go', run: () => viewers?.letGo('Server is shutting down') },
    { name: 'let clients leave', reserveMs: FINAL_MS, run: (leftMs) => drainSessions(sessions, leftMs, log) },
    // Publishers that were lost, or that disconnect before they reconnect, may resume their streams on another node.
    { name: 'let held streams move', reserveMs: FINAL_MS, run: (leftMs) => admission.noneHeld(leftMs) },
  ];
  return [
    ...(node.inFleet ? handOver : []),
    { name: 'accept no more connections', run: () => listeners.close() },
    { name: 'hear no more commands', run: () => void (hushed = operators?.stop()) },
    {
      name: 'end sessions',
      run: () => {
        // Before the publishers, whose end would be the end of these players' streams.
        viewers?.shutDown('Server is shutting down');
        // Relays and outputs get the end of the streams.
        for (const session of [...sessions]) if (session.streams.play?.player.isRelay !== true) session.shutDown();
      },
    },
    { name: 'end streams', run: () => admission.close() },
    {
      name: 'end relays',
      run: () => {
        for (const session of [...sessions]) session.shutDown();
      },
    },
    { name: 'complete outputs', reserveMs: CLOSE_MS, run: (leftMs) => void (completed = outputs?.finish(leftMs)) },
    { name: 'deliver stop callbacks', reserveMs: CLOSE_MS, run: (leftMs) => authorizer.drain(leftMs) },
    { name: 'wait for outputs', run: () => completed },
    { name: 'let connections close', maxMs: CLOSE_MS, run: (leftMs) => sessions.empty(leftMs) },
    { name: 'stop the clock', run: node.stopClock },
    { name: 'answer the last commands', run: () => hushed },
    { name: 'leave the fleet', run: () => member.stop() },
    { name: 'tell of the end', run: node.left },
    {
      name: 'close the rest',
      run: async () => {
        for (const part of node.rest) await part?.close();
      },
    },
  ];
}
