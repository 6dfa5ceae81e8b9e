import { hostname } from 'node:os';
import type { Context, Span as OtelSpan, Tracer as OtelTracer } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import { messageOf } from '../errors/error-text';
import type { Logger } from '../logging/logger';
import { FaultRateLimit } from '../logging/rate-limit';
import { within } from '../time/within';
import type { Span, SpanAttributes, Tracer } from './span';

/** How long the spans that are left may take to be sent at the end (ms). */
const FLUSH_MS = 2_000;

export interface Tracing extends Tracer {
  /** Sends the spans that are left, for two seconds at most. */
  close(): Promise<void>;
}

/**
 * Sends traces to an OpenTelemetry collector, OTLP as JSON over HTTP. Headers, sampling and the like come from the
 * standard's own variables (`OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`,
 * `OTEL_RESOURCE_ATTRIBUTES`), which OpenTelemetry's packages read:
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/.
 * A collector that is away costs the spans that do not fit the queue, nothing else.
 */
export async function openTracing(collector: URL, version: string, log: Logger): Promise<Tracing> {
  const sdk = await import('./otel-sdk');
  const faults = new FaultRateLimit(log);
  const resource = sdk
    .defaultResource()
    .merge(
      sdk.resourceFromAttributes({
        'service.name': 'rtmp-ingest',
        'service.version': version,
        'host.name': hostname(),
      }),
    )
    .merge(sdk.detectResources({ detectors: [sdk.envDetector] }));
  const exporter = reportingFaults(new sdk.OTLPTraceExporter({ url: collector.href }), (reason) =>
    faults.report('warning', 'traces', `Traces could not be sent to OTEL_EXPORTER_OTLP_ENDPOINT: ${reason}`),
  );
  const provider = new sdk.NodeTracerProvider({ resource, spanProcessors: [new sdk.BatchSpanProcessor(exporter)] });
  const tracer = provider.getTracer('rtmp-ingest', version);
  const start = (name: string, attributes: SpanAttributes | undefined, parent: Context): Span => {
    const span = tracer.startSpan(name, attributes && { attributes }, parent);
    return new TracedSpan({
      tracer,
      span,
      start,
      inside: () => sdk.trace.setSpan(parent, span),
      ERROR: sdk.SpanStatusCode.ERROR,
    });
  };
  return {
    begin: (name, attributes) => start(name, attributes, sdk.ROOT_CONTEXT),
    async close() {
      // The exporter has reported the failure.
      const flushed = provider.shutdown().catch(() => undefined);
      await within(FLUSH_MS, flushed, () => undefined);
      faults.close();
    },
  };
}

interface TracedSpanOptions {
  readonly tracer: OtelTracer;
  readonly span: OtelSpan;
  readonly start: (name: string, attributes: SpanAttributes | undefined, parent: Context) => Span;
  readonly inside: () => Context;
  readonly ERROR: number;
}

class TracedSpan implements Span {
  readonly #options: TracedSpanOptions;

  constructor(options: TracedSpanOptions) {
    this.#options = options;
  }

  /** https://www.w3.org/TR/trace-context/#traceparent-header */
  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#options.span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  child(name: string, attributes?: SpanAttributes): Span {
    return this.#options.start(name, attributes, this.#options.inside());
  }

  set(attributes: SpanAttributes): void {
    this.#options.span.setAttributes(attributes);
  }

  end(error?: string): void {
    const { span, ERROR } = this.#options;
    if (error !== undefined) span.setStatus({ code: ERROR, message: error });
    span.end();
  }
}

/** An exporter whose failures are reported; OpenTelemetry would drop the spans without a word. */
function reportingFaults(exporter: SpanExporter, report: (reason: string) => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error) report(messageOf(result.error));
        done(result);
      }),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}
