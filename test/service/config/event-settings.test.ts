import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { loadServiceConfig } from '../../../service/config/service-config';

const secret = (): string => `whsec_${randomBytes(32).toString('base64')}`;
const url = 'https://hooks.example.com/rtmp';
const load = (values: Record<string, string>) => loadServiceConfig(values);

describe('settings of events', () => {
  test('a webhook has a URL and one key, or two while they are rotated', () => {
    const [old, fresh] = [secret(), secret()];
    const { events } = load({ EVENTS_WEBHOOK_URL: url, EVENTS_WEBHOOK_SECRET: `${old} ${fresh}` }).config;
    expect(events.webhook).toEqual({ url: new URL(url), keys: [old.slice(6), fresh.slice(6)] });
  });

  test.each([
    [{ EVENTS_WEBHOOK_URL: url }, 'EVENTS_WEBHOOK_SECRET'],
    [{ EVENTS_WEBHOOK_URL: 'hooks', EVENTS_WEBHOOK_SECRET: secret() }, 'EVENTS_WEBHOOK_URL'],
    [{ EVENTS_WEBHOOK_URL: 'https://a:b@example.com/', EVENTS_WEBHOOK_SECRET: secret() }, 'EVENTS_WEBHOOK_URL'],
    [{ EVENTS_WEBHOOK_URL: url, EVENTS_WEBHOOK_SECRET: 'whsec_c2hvcnQ=' }, 'EVENTS_WEBHOOK_SECRET'],
    [{ EVENTS_WEBHOOK_URL: url, EVENTS_WEBHOOK_SECRET: Array.from({ length: 3 }, secret).join(' ') }, 'SECRET'],
    [{ EVENTS_BUS_NAME: 'a bus' }, 'EVENTS_BUS_NAME'],
  ])('%j is a fault of %s', (values, name) => {
    expect(() => load(values as Record<string, string>)).toThrow(name);
  });

  test('a bus is named by its name or its ARN', () => {
    for (const name of ['default', 'arn:aws:events:eu-west-1:123456789012:event-bus/streams']) {
      expect(load({ EVENTS_BUS_NAME: name }).config.events.busName).toBe(name);
    }
  });
});

describe('settings of traces', () => {
  test.each([
    [{}, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318/' }, 'http://127.0.0.1:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a/', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://b/t' }, 'http://b/t'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a/', OTEL_SDK_DISABLED: 'true' }, undefined],
  ])('%j: %s', (values, expected) => {
    expect(load(values as Record<string, string>).config.tracing?.href).toBe(expected);
  });

  test('an address that is none is a fault', () => {
    expect(() => load({ OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' })).toThrow('OTEL_EXPORTER_OTLP_ENDPOINT');
  });
});
