import type { OpenAuthorizer } from '../auth/open-authorizer';
import type { Machine } from '../http/api/machine';
import type { ViewerAdmission } from '../http/hls-door';
import type { Readiness } from '../http/http-server';
import type { StreamReport } from '../http/api/stream-report';
import { reportStream } from '../http/api/stream-reporter';
import type { LifeStore } from '../leases/life-store';
import type { NodeFigures } from '../metrics/node-figures';
import type { Lifecycle } from './lifecycle';
import type { Listeners } from './listeners';
import type { Media } from './media';
import type { MonotonicClock } from '../time/clock';

/** A node's state for the HTTP port and metrics; each of several workers is a node. */
export interface WorkerState extends Machine {
  ready(): Readiness;
  streams(): readonly StreamReport[];
  /** Whether a viewer with this key may watch what is packaged of the channel's stream. */
  admitsViewer(channel: string, key: string): ViewerAdmission;
  /** As `registry.getMetricsAsJSON()` gives them. */
  metrics(): Promise<readonly object[]>;
  /** The figures since the last call. */
  figures(): NodeFigures;
}

export interface ObservedNode extends Pick<Media, 'hub' | 'metrics'> {
  readonly lifecycle: Lifecycle;
  readonly listeners: Listeners;
  readonly store: LifeStore;
  readonly authorization: OpenAuthorizer;
  /** What the API asks of this node. */
  readonly machine: Machine;
  readonly now: MonotonicClock;
}

export function nodeState(node: ObservedNode): WorkerState {
  const { lifecycle, hub, metrics, machine, store, now } = node;
  return {
    ...machine,
    ready: () => lifecycle.readiness(() => faultOf(node)),
    streams: () => [...hub.publications()].map((publication) => reportStream(publication, now())),
    admitsViewer(name, key) {
      const channel = hub.find(name);
      if ((channel?.publication ?? null) === null) return 'noStream';
      return channel?.admits(key) === true ? 'yes' : 'wrongKey';
    },
    metrics: () => metrics.registry.getMetricsAsJSON(),
    figures: () => metrics.takeFigures({ stopBacklog: store.dueStops, draining: lifecycle.draining }),
  };
}

/** Why an open node cannot serve clients. */
function faultOf({ listeners, store, authorization }: ObservedNode): string | undefined {
  if (listeners.fault !== undefined) return listeners.fault;
  const refused = store.refused ?? [];
  if (refused.length > 0) return `Redis refuses ${refused.join(', ')}`;
  const missing = authorization.waitsFor();
  return missing === undefined ? undefined : `waiting for ${missing}`;
}
