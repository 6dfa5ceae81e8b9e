import type { Readiness } from '../http/http-server';
import type { StreamReport } from '../http/stream-report';
import type { NodeFigures } from '../metrics/node-figures';

/** A node's state for the HTTP port and metrics; each of several workers is a node. */
export interface WorkerState {
  ready(): Readiness;
  streams(): readonly StreamReport[];
  /** As `registry.getMetricsAsJSON()` gives them. */
  metrics(): Promise<readonly object[]>;
  /** The figures since the last call. */
  figures(): NodeFigures;
}
