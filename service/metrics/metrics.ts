import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { EventLoopDelay } from './event-loop-delay';
import { FigureTally } from './figure-tally';
import type { NodeFigures } from './node-figures';
import { OutputMetrics } from './output-metrics';
import { registerProcessMetrics } from './process-metrics';
import type { TrafficCounters } from './traffic-counters';

/** Present values, read when metrics are asked for. */
export interface NodeGauges {
  /** Open sessions by the name of their state. */
  sessionsByState(): Readonly<Record<string, number>>;
  /** Live publishers. */
  publishers(): number;
  /** Players by protocol, idle ones included. */
  playersByProtocol(): Readonly<Record<string, number>>;
}

export interface MetricsOptions {
  readonly version: string;
  readonly gauges: NodeGauges;
  readonly traffic: TrafficCounters;
}

/** Rejections that a correctly configured load balancer never causes. */
const PROXY_HEADER_ERRORS: ReadonlySet<string> = new Set([
  'bad_proxy_header',
  'proxy_header_too_large',
  'proxy_checksum_mismatch',
  'proxy_untrusted',
]);
/** Ends of sessions that never spoke RTMP. */
const HANDSHAKE_FAILURES: ReadonlySet<string> = new Set(['handshake_failed', 'handshake_timeout']);

/**
 * Every metric of a node, in a separate registry. Label values come from the code, never from a client: each new value
 * costs memory, here and in the metrics store.
 */
export class Metrics {
  /** Public for the metrics of parts that not every node has. */
  readonly registry = new Registry();
  readonly contentType = this.registry.contentType;

  readonly #options: MetricsOptions;
  readonly #tally = new FigureTally();
  #outputs: OutputMetrics | undefined;
  #ingestBytesTaken = 0;
  /** Since when commands are not received (ms of performance.now); undefined: they are; null: Redis is not used. */
  #redisLostAtMs: number | undefined | null = null;
  #isHandlerDown = false;
  readonly #eventLoop = new EventLoopDelay();
  readonly #callbacks = new Counter({
    name: 'rtmp_callbacks_total',
    help: 'Callbacks that came to an end, by event (start, stop) and result.',
    labelNames: ['event', 'result'],
    registers: [this.registry],
  });
  readonly #callbackSeconds = new Histogram({
    name: 'rtmp_callback_duration_seconds',
    help: 'Time from asking the callback handler to its answer or failure, by event.',
    labelNames: ['event'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });
  readonly #unasked = new Counter({
    name: 'rtmp_unasked_starts_total',
    help: 'Publishers refused without asking the callback handler, by reason.',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly #handlerDown = new Gauge({
    name: 'rtmp_callback_handler_down',
    help: '1 while the callback handler is not asked because it failed too often in a row; of several workers, how many.',
    registers: [this.registry],
  });
  readonly #rejected = new Counter({
    name: 'rtmp_rejected_connections_total',
    help: 'Connections closed before they became sessions, by reason.',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly #closed = new Counter({
    name: 'rtmp_closed_sessions_total',
    help: 'Sessions that ended, by reason.',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly #commands = new Counter({
    name: 'rtmp_commands_total',
    help: "Operators' commands received, by kind and result.",
    labelNames: ['kind', 'result'],
    registers: [this.registry],
  });
  readonly #ecsCalls = new Counter({
    name: 'rtmp_ecs_calls_total',
    help: 'What the task asked of AWS ECS, by call (describe, protect, release) and result (done, failed).',
    labelNames: ['call', 'result'],
    registers: [this.registry],
  });
  readonly #leaseConflicts = new Counter({
    name: 'rtmp_lease_conflicts_total',
    help: 'Publishers that ended because another node had their channel too.',
    registers: [this.registry],
  });
  readonly #redisConnected = new Gauge({
    name: 'rtmp_redis_connected',
    help: '1 while the command channel is subscribed, 0 while it is not; absent where Redis is not used.',
    registers: [this.registry],
  });

  constructor(options: MetricsOptions) {
    const { version, gauges, traffic } = options;
    this.#options = options;
    this.#redisConnected.remove();
    this.#registerGauges(gauges);
    this.#registerTraffic(traffic);
    this.#registerIgnored(traffic);
    this.#registerEventLoop();
    registerProcessMetrics(this.registry);
    new Gauge({
      name: 'rtmp_build_info',
      help: 'Always 1; the labels tell what runs.',
      labelNames: ['version', 'node'],
      registers: [this.registry],
    }).set({ version, node: process.version }, 1);
  }

  /** For nodes whose streams have outputs; others show no metrics of them. */
  ofOutputs(): OutputMetrics {
    this.#outputs ??= new OutputMetrics(this.registry);
    return this.#outputs;
  }

  /** The page for Prometheus, in its text format. */
  scrape(): Promise<string> {
    return this.registry.metrics();
  }

  callbackFinished(event: 'start' | 'stop', result: string, durationMs: number): void {
    this.#callbacks.inc({ event, result });
    this.#callbackSeconds.observe({ event }, durationMs / 1000);
    this.#tally.callbackTook(durationMs);
    if (event === 'start' && result === 'refused') this.#tally.count('CallbackDenied');
  }

  /** A publisher was refused without asking the callback handler. */
  startUnasked(reason: string): void {
    this.#unasked.inc({ reason });
  }

  handlerDown(down: boolean): void {
    this.#isHandlerDown = down;
    this.#handlerDown.set(down ? 1 : 0);
  }

  connectionRejected(reason: string): void {
    this.#rejected.inc({ reason });
    if (PROXY_HEADER_ERRORS.has(reason)) this.#tally.count('ProxyHeaderErrors');
    if (reason === 'tls_handshake') this.#tally.count('HandshakeFailures');
  }

  sessionClosed(reason: string): void {
    this.#closed.inc({ reason });
    if (HANDSHAKE_FAILURES.has(reason)) this.#tally.count('HandshakeFailures');
  }

  commandHandled(kind: string, result: string): void {
    this.#commands.inc({ kind, result });
  }

  ecsCalled(call: 'describe' | 'protect' | 'release', succeeded: boolean): void {
    this.#ecsCalls.inc({ call, result: succeeded ? 'done' : 'failed' });
    if (call !== 'describe' && !succeeded) this.#tally.count('ProtectionFailures');
  }

  /** Two nodes served one channel, and the publisher on this node was ended. */
  leaseConflict(): void {
    this.#leaseConflicts.inc();
    this.#tally.count('LeaseConflicts');
  }

  setRedisConnected(connected: boolean): void {
    this.#redisConnected.set(connected ? 1 : 0);
    this.#redisLostAtMs = connected ? undefined : (this.#redisLostAtMs ?? performance.now());
  }

  /** The figures since the last call, completed by `others`, which are not counted here. */
  takeFigures(others: Pick<NodeFigures, 'stopBacklog' | 'draining'>): NodeFigures {
    const { gauges, traffic } = this.#options;
    const received = traffic.bytesIn - traffic.relayedBytesIn;
    const ingestBytes = received - this.#ingestBytesTaken;
    this.#ingestBytesTaken = received;
    const lostAtMs = this.#redisLostAtMs;
    return {
      publishers: gauges.publishers(),
      ingestBytes,
      callbackDown: this.#isHandlerDown,
      ...this.#tally.take(),
      ...(this.#outputs && { outputs: this.#outputs.take() }),
      ...(lostAtMs !== null && {
        redisDisconnectedSeconds: lostAtMs === undefined ? 0 : (performance.now() - lostAtMs) / 1000,
      }),
      ...others,
    };
  }

  /** Stops sampling the event loop. */
  close(): void {
    this.#eventLoop.stop();
    this.#tally.close();
  }

  #registerGauges(gauges: NodeGauges): void {
    new Gauge({
      name: 'rtmp_sessions',
      help: 'Open sessions by state.',
      labelNames: ['state'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [state, count] of Object.entries(gauges.sessionsByState())) this.set({ state }, count);
      },
    });
    this.#registerGauge('rtmp_publishers', 'Live publishers.', () => gauges.publishers());
    new Gauge({
      name: 'rtmp_players',
      help: 'Players by protocol, idle ones included.',
      labelNames: ['protocol'],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [protocol, count] of Object.entries(gauges.playersByProtocol())) this.set({ protocol }, count);
      },
    });
  }

  #registerGauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  #registerTraffic(traffic: TrafficCounters): void {
    const counters: readonly [name: string, help: string, field: keyof TrafficCounters][] = [
      ['rtmp_received_bytes_total', 'Bytes read from clients and from relayed nodes.', 'bytesIn'],
      ['rtmp_sent_bytes_total', 'Bytes of streams sent to players.', 'bytesOut'],
      ['rtmp_received_messages_total', 'Audio, video and data messages that streams took.', 'messagesIn'],
      ['rtmp_sent_messages_total', 'Audio, video and data messages sent to players.', 'messagesOut'],
      ['rtmp_socket_reads_total', 'Reads from the sockets of clients and relays.', 'reads'],
      ['rtmp_socket_writes_total', "Writes of media to players' sockets.", 'writes'],
      ['rtmp_dropped_frames_total', 'Audio and video messages that slow players did not get.', 'droppedFrames'],
      ['rtmp_slow_players_disconnected_total', 'Players cut off for being too slow.', 'slowPlayersDisconnected'],
    ];
    for (const [name, help, field] of counters) {
      new Counter({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.reset();
          this.inc(traffic[field]);
        },
      });
    }
  }

  #registerIgnored(traffic: TrafficCounters): void {
    new Counter({
      name: 'rtmp_ignored_messages_total',
      help: 'Messages of clients left out because their name could not be read, by kind (command, data).',
      labelNames: ['kind'],
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc({ kind: 'command' }, traffic.ignoredCommands);
        this.inc({ kind: 'data' }, traffic.ignoredData);
      },
    });
  }

  #registerEventLoop(): void {
    const eventLoop = this.#eventLoop;
    new Gauge({
      name: 'rtmp_event_loop_delay_seconds',
      help: 'How late the event loop ran since the last reading of this page.',
      labelNames: ['statistic'],
      registers: [this.registry],
      collect() {
        const { p50, p99, max } = eventLoop.read();
        this.set({ statistic: 'p50' }, p50);
        this.set({ statistic: 'p99' }, p99);
        this.set({ statistic: 'max' }, max);
      },
    });
  }
}
