/** All metrics of a run. */
export interface Metrics {
  /** CPU seconds of the server per 10^9 bytes. */
  costSecondsPerGb: number;
  /** The same for its busiest process, which limits the capacity of several workers. */
  busiestProcessPerGb: number;
  gigabytesPerSecond: number;
  /** The server's CPU seconds per second. */
  serverCpuShare: number;
  latencyP50Ms: number;
  latencyP99Ms: number;
  videoP50Ms: number;
  videoP99Ms: number;
  audioP50Ms: number;
  audioP99Ms: number;
  lostMessages: number;
  /** Duplicates, messages out of order and wrong content. */
  wrongMessages: number;
  timestampErrors: number;
  stalledPlayers: number;
  /** Connections that ended, or could not be made. */
  failedConnections: number;
  rssMb: number;
  baseRssMb: number;
  rssPerPublisherMb: number;
  kbPerIdlePlayer: number;
  rssGrowthMbPerMinute: number;
  maxPlayers: number;
  connections: number;
  generatorCpuShare: number;
  /** How late the generator sent its messages. */
  generatorLatenessP99Ms: number;
  /** CPU time of other processes on the cores in use, in cores: above 0.1 it distorts the results. */
  foreignCpuShare: number;
}

export type MetricName = keyof Metrics;

/** The metrics of one run of one server, and warnings about their reliability. */
export interface RunResult {
  readonly metrics: Partial<Metrics>;
  readonly warnings: readonly string[];
}
