import type { Readiness } from '../http/http-server';
import type { StreamReport } from '../http/stream-report';
import type { NodeFigures } from '../metrics/node-figures';

/** What a node can tell about itself; with several workers, each of them is a node. */
export interface WorkerState {
  ready(): Readiness;
  streams(): readonly StreamReport[];
  /** As `registry.getMetricsAsJSON()` gives them. */
  metrics(): Promise<readonly object[]>;
  /** What happened since the last call. */
  figures(): NodeFigures;
}
