import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from '@jest/globals';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { type CallbackServer, startCallbackServer } from '../support/servers/callback-server';
import { type ServerEnvironment, ServerProcess } from '../support/servers/server-process';

interface TracedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
}

interface Collector {
  readonly url: string;
  /** What came, as text and parsed. */
  readonly bodies: string[];
  readonly paths: string[];
  spans(): TracedSpan[];
}

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Takes traces as an OpenTelemetry collector does: OTLP over HTTP, as JSON. */
async function startCollector(status = 200): Promise<Collector> {
  const bodies: string[] = [];
  const paths: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      paths.push(`${request.method} ${request.url}`);
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => (server.closeAllConnections(), server.close()));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    bodies,
    paths,
    spans: () =>
      bodies.flatMap((body) => {
        const { resourceSpans } = JSON.parse(body) as {
          resourceSpans: { scopeSpans: { spans: TracedSpan[] }[] }[];
        };
        return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
      }),
  };
}

async function startServer(environment: ServerEnvironment): Promise<ServerProcess> {
  const server = await ServerProcess.start(environment);
  closing.push(() => server.stop());
  return server;
}

async function startHandler(): Promise<CallbackServer> {
  const handler = await startCallbackServer();
  closing.push(() => handler.stop());
  return handler;
}

function attribute(span: TracedSpan | undefined, name: string): string | undefined {
  return span?.attributes.find(({ key }) => key === name)?.value.stringValue;
}

const JWT_SECRET = 'x'.repeat(32);

test('a publish is one trace, and the callback gets its context', async () => {
  const collector = await startCollector();
  const handler = await startHandler();
  handler.answerWith(() => ({ headers: { 'stream-id': 'id-1' } }));
  const server = await startServer({
    CALLBACK_URL: handler.url.href,
    JWT_SECRET,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });
  // A health check of a load balancer leaves no trace.
  const probe = connect(server.rtmpPort, '127.0.0.1');
  await once(probe, 'connect');
  probe.end().resume();
  await once(probe, 'close');
  const client = await RtmpClient.publisher({ port: server.rtmpPort, channel: 'news', key: 'topsecret' });
  await client.close();
  await handler.request(2);
  await server.stop();

  expect(collector.paths).toContain('POST /v1/traces');
  const spans = collector.spans();
  const span = (name: string): TracedSpan | undefined => spans.find((each) => each.name === name);
  const accept = span('accept');
  expect(spans.map(({ name }) => name).sort()).toEqual([
    'accept',
    'callback',
    'connect',
    'end',
    'handshake',
    'publish',
  ]);
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
  for (const name of ['handshake', 'connect', 'publish', 'end']) expect(span(name)?.parentSpanId).toBe(accept?.spanId);
  expect(span('callback')?.parentSpanId).toBe(span('publish')?.spanId);
  expect(attribute(span('publish'), 'rtmp.stream_id')).toBe('id-1');
  expect(attribute(span('end'), 'rtmp.close_code')).toBe('client_closed');
  const sent = handler.requests[0]?.headers['traceparent'];
  expect(sent).toBe(`00-${span('callback')?.traceId}-${span('callback')?.spanId}-01`);
  expect(collector.bodies.join('')).not.toContain('topsecret');
});

test('a refusal is a failed step with its reason', async () => {
  const collector = await startCollector();
  const handler = await startHandler();
  handler.answerWith(() => ({ status: 403 }));
  const server = await startServer({
    CALLBACK_URL: handler.url.href,
    JWT_SECRET,
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
  });
  await expect(RtmpClient.publisher({ port: server.rtmpPort, channel: 'news', key: 'topsecret' })).rejects.toThrow();
  await server.stop();
  const publish = collector.spans().find(({ name }) => name === 'publish');
  expect(publish?.status).toEqual({ code: 2, message: 'The callback refused the stream (status 403)' });
});

test('a collector that is away costs a warning, not a stream', async () => {
  const server = await startServer({ OTEL_EXPORTER_OTLP_ENDPOINT: (await startCollector(500)).url });
  const client = await RtmpClient.publisher({ port: server.rtmpPort, channel: 'news', key: 'topsecret' });
  await client.close();
  await server.stop();
  expect(await server.exited).toMatchObject({ code: 0 });
  expect(server.log).toMatch(/Traces could not be sent to OTEL_EXPORTER_OTLP_ENDPOINT: Internal Server Error/);
});

test('nothing is sent to the handler where nothing is traced', async () => {
  const handler = await startHandler();
  const server = await startServer({ CALLBACK_URL: handler.url.href, JWT_SECRET });
  const client = await RtmpClient.publisher({ port: server.rtmpPort, channel: 'news', key: 'topsecret' });
  await client.close();
  await handler.request(2);
  expect(handler.requests[0]?.headers).not.toHaveProperty('traceparent');
});
