import { expect, test } from '@jest/globals';
import { AllowedHosts } from '../../../service/http/allowed-hosts';

const hosts = new AllowedHosts(['Metrics.Example.com']);

test.each([
  undefined,
  '10.1.2.3',
  '10.1.2.3:8080',
  '[::1]:8080',
  '[2001:db8::1]',
  'localhost:8080',
  'LOCALHOST',
  'app.localhost',
  'rtmp:8080',
  'rtmp',
  'metrics.example.com',
  'METRICS.example.com.:8080',
])('%s may ask', (host) => {
  expect(hosts.allows(host)).toBe(true);
});

test.each([
  'evil.example',
  'evil.example:8080',
  'x.metrics.example.com',
  'metrics.example.com.evil.example',
  '127.0.0.1.evil.example',
  'localhost.evil.example',
  '[evil.example]',
  '[::1].evil.example',
  'evil.example:80:80',
  '10.1.2.3@evil.example',
])('%s may not', (host) => {
  expect(hosts.allows(host)).toBe(false);
});

test('* allows every name', () => {
  expect(new AllowedHosts(['*']).allows('any.example')).toBe(true);
});
