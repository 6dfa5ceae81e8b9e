/** What a span says about its step. Never a stream key or a secret. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** One step in the life of a client's connection, as tracing systems show it. */
export interface Span {
  /** W3C trace context of this span for the receiver of a request; undefined when nothing is traced. */
  readonly traceparent: string | undefined;
  /** Begins a step within this one; may be called after this one's end. */
  child(name: string, attributes?: SpanAttributes): Span;
  set(attributes: SpanAttributes): void;
  /** @param error why the step failed; absent when it did not */
  end(error?: string): void;
}

/** Begins a trace: the span has no parent. */
export interface Tracer {
  begin(name: string, attributes: SpanAttributes): Span;
}

/** The span where nothing is traced. */
export const NO_SPAN: Span = {
  traceparent: undefined,
  child: () => NO_SPAN,
  set: () => undefined,
  end: () => undefined,
};
