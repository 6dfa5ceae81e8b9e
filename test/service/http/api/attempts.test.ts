import { expect, test } from '@jest/globals';
import { Attempts } from '../../../../service/http/api/attempts';

test.each([
  ['an IPv4 address', '192.0.2.1', '192.0.2.1', '192.0.2.2'],
  ['an IPv4 address as a dual-stack socket names it', '::ffff:192.0.2.1', '192.0.2.1', '::ffff:192.0.2.2'],
  ['an IPv6 /64', '2001:db8::1', '2001:db8::ffff:2', '2001:db8:0:1::1'],
])('after eleven wrong tokens %s waits, and no other one does', (_, first, same, other) => {
  const attempts = new Attempts();
  for (let i = 0; i < 10; i += 1) attempts.failed(first, 1_000);
  expect(attempts.waitSeconds(same, 1_000)).toBe(0);
  attempts.failed(same, 1_000);
  expect([first, same, other].map((address) => attempts.waitSeconds(address, 1_000))).toEqual([10, 10, 0]);
  expect(attempts.waitSeconds(first, 11_000)).toBe(0);
});

test('after 200 wrong tokens from ever new networks, everybody waits a moment', () => {
  const attempts = new Attempts();
  for (let i = 0; i <= 200; i += 1) attempts.failed(`2001:db8:0:${i.toString(16)}::1`, 1_000);
  expect(attempts.waitSeconds('192.0.2.1', 1_000)).toBe(1);
  expect(attempts.waitSeconds('192.0.2.1', 1_200)).toBe(0);
});
