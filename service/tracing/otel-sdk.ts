/**
 * The parts of OpenTelemetry that the service uses. Only imported dynamically: the bundler puts them into a separate
 * file, so that a node without tracing does not load them.
 */
export { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
export { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
export { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
