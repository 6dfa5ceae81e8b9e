import type { MetricName } from './metrics';

/** A target for a case's median: of this server alone, or as ratio to another server's or case's median. */
export interface Target {
  readonly caseId: string;
  readonly metric: MetricName;
  /** Divide by the median of this server in the same case. */
  readonly againstServer?: string;
  /** Divide by this server's own median in another case. */
  readonly againstCase?: string;
  readonly atMost?: number;
  readonly atLeast?: number;
}

const cost = 'costSecondsPerGb';
const nginx = 'nginx-rtmp';
const nodeMediaServer = 'node-media-server';

export const targets: readonly Target[] = [
  { caseId: 'ingest100', metric: cost, againstServer: nginx, atMost: 0.75 },
  { caseId: 'ingest100', metric: cost, againstServer: nodeMediaServer, atMost: 0.2 },
  { caseId: 'ingest100', metric: 'rssPerPublisherMb', atMost: 2 },
  { caseId: 'fanout200', metric: cost, againstServer: nginx, atMost: 0.45 },
  { caseId: 'fanout200', metric: cost, againstServer: nodeMediaServer, atMost: 0.4 },
  { caseId: 'fanout200', metric: 'latencyP99Ms', atMost: 120 },
  { caseId: 'fanout500', metric: cost, againstServer: nginx, atMost: 0.4 },
  { caseId: 'fanout500', metric: cost, againstServer: nodeMediaServer, atMost: 0.35 },
  { caseId: 'fanout200-40ms', metric: cost, againstServer: nginx, atMost: 0.85 },
  { caseId: 'fanout200-40ms', metric: cost, againstServer: nodeMediaServer, atMost: 0.7 },
  { caseId: 'fanout200-40ms', metric: 'videoP50Ms', atMost: 10 },
  { caseId: 'fanout200-http-flv', metric: cost, againstCase: 'fanout200', atMost: 1.2 },
  { caseId: 'fanout200-ws-flv', metric: cost, againstCase: 'fanout200', atMost: 1.2 },
  { caseId: 'mixed', metric: cost, againstServer: nginx, atMost: 0.6 },
  { caseId: 'mixed', metric: cost, againstServer: nodeMediaServer, atMost: 0.27 },
  { caseId: 'mixed', metric: 'latencyP99Ms', atMost: 160 },
  { caseId: 'capacity', metric: 'maxPlayers', againstServer: nginx, atLeast: 1.7 },
  { caseId: 'capacity', metric: 'maxPlayers', againstServer: nodeMediaServer, atLeast: 2.5 },
  { caseId: 'idle', metric: 'kbPerIdlePlayer', againstServer: nodeMediaServer, atMost: 0.2 },
  { caseId: 'idle', metric: 'kbPerIdlePlayer', atMost: 30 },
  { caseId: 'idle', metric: 'baseRssMb', atMost: 70 },
  { caseId: 'single', metric: 'latencyP50Ms', atMost: 2 },
  { caseId: 'single', metric: 'latencyP99Ms', atMost: 10 },
  { caseId: 'ingest100-128', metric: cost, againstCase: 'ingest100', atMost: 1.5 },
  { caseId: 'ingest500', metric: cost, againstCase: 'ingest100', atMost: 1.15 },
  { caseId: 'ingest10-warm', metric: cost, againstCase: 'ingest100-warm', atMost: 1.3 },
  { caseId: 'ingest50-rtmps', metric: cost, againstCase: 'ingest50', atMost: 2 },
  { caseId: 'fanout50-rtmps', metric: cost, againstCase: 'fanout50', atMost: 2 },
  { caseId: 'relays50-relayed', metric: cost, againstCase: 'relays50-local', atMost: 1.2 },
  { caseId: 'fanout500', metric: cost, againstCase: 'fanout200', atMost: 1.15 },
  { caseId: 'fanout1000', metric: cost, againstCase: 'fanout200', atMost: 1.15 },
  { caseId: 'fanout1000-workers2', metric: 'busiestProcessPerGb', againstCase: 'fanout1000-workers1', atMost: 1 / 1.7 },
  { caseId: 'mixed200-workers2', metric: 'busiestProcessPerGb', againstCase: 'mixed200-workers1', atMost: 1 / 1.7 },
];
