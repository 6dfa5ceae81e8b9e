import { getHeapStatistics } from 'node:v8';
import type { ServiceConfig } from '../config/service-config';
import { EventBus } from '../events/event-bus';
import { HealthMonitor } from '../health/health-monitor';
import { ISSUE_CODES } from '../health/issue-codes';
import { Hub } from '../hub/hub';
import { defaultMemoryBudget, MemoryGuard } from '../hub/memory-guard';
import { SlabPool } from '../hub/slab';
import type { Logger } from '../logging/logger';
import { registerBatchingMetrics } from '../metrics/batching-metrics';
import { registerHealthMetrics } from '../metrics/health-metrics';
import { registerMemoryMetrics } from '../metrics/memory-metrics';
import { Metrics } from '../metrics/metrics';
import { TrafficCounters } from '../metrics/traffic-counters';
import { Batching } from '../net/batching/batching';
import { OpenSessions } from '../session/open-sessions';
import type { MonotonicClock } from '../time/clock';
import { bufferBytes } from './buffer-memory';
import { StreamTeller } from './stream-teller';

/** Unused slabs that are kept for the next stream. */
const MAX_FREE_SLAB_BYTES = 64 * 1024 * 1024;
/** How often the memory is checked (ms). */
const MEMORY_LOOK_MS = 250;

/** The parts of a node through which its streams pass, and their metrics. */
export interface Media {
  readonly traffic: TrafficCounters;
  readonly sessions: OpenSessions;
  readonly batching: Batching;
  readonly hub: Hub;
  readonly health: HealthMonitor;
  readonly memory: MemoryGuard;
  readonly metrics: Metrics;
  /** What happens on this node. */
  readonly events: EventBus;
  readonly teller: StreamTeller;
  close(): void;
}

export interface MediaOptions {
  readonly config: ServiceConfig;
  readonly log: Logger;
  readonly version: string;
  /** How many processes share the machine's memory. */
  readonly processes: number;
  /** Id of this node; not asked before the node has joined its fleet. */
  readonly nodeId: () => string;
  readonly now: MonotonicClock;
}

export function openMedia({ config, log, version, processes, nodeId, now }: MediaOptions): Media {
  const traffic = new TrafficCounters();
  const sessions = new OpenSessions(now());
  const batching = new Batching({ latencyMs: config.latencyMs, traffic });
  const events = new EventBus({ node: nodeId });
  const teller = new StreamTeller(events, now);
  const hub = new Hub({
    pool: new SlabPool(MAX_FREE_SLAB_BYTES),
    traffic,
    chunkSize: config.rtmp.chunkSize,
    gopCacheBytes: config.limits.gopCacheBytes,
    scheduler: batching,
    observer: teller,
    now,
  });
  const health = new HealthMonitor({ hub, chunkSize: config.rtmp.chunkSize, latencyMs: config.latencyMs });
  health.listen(({ channel, grant }, report) => {
    events.tell({ type: 'stream.health', channel, streamId: grant.streamId, health: report });
  });
  const memory = new MemoryGuard({
    budgetBytes: config.limits.memoryBudgetBytes ?? defaultMemoryBudget(processes),
    log,
    streams: () => hub.streams(),
    players: () => hub.players(),
    used: () => bufferBytes(),
    heap: () => {
      const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
      return { used, limit };
    },
    now,
  });
  const memoryClock = setInterval(() => memory.tick(), MEMORY_LOOK_MS).unref();
  const metrics = new Metrics({
    version,
    traffic,
    gauges: {
      sessionsByState: () => sessions.countByPhase(),
      publishers: () => hub.publicationCount,
      playersByProtocol: () => hub.viewersByProtocol,
    },
  });
  registerBatchingMetrics(metrics.registry, batching);
  registerMemoryMetrics(metrics.registry, memory);
  registerHealthMetrics(metrics.registry, ISSUE_CODES, () => health.counts());
  const close = (): void => {
    clearInterval(memoryClock);
    batching.close();
    metrics.close();
  };
  return { traffic, sessions, batching, hub, health, memory, metrics, events, teller, close };
}
