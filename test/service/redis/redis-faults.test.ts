import { expect, test } from '@jest/globals';
import { messageOf } from '../../../service/errors/error-text';
import { explainRedisFault } from '../../../service/redis/redis-faults';

const error = (message: string, code?: string): Error => Object.assign(new Error(message), code && { code });
const PLAIN = { secured: false, answered: false };
const SECURED = { secured: true, answered: false };

test.each([
  ['REDIS_TLS=NO', error('connect ETIMEDOUT', 'ETIMEDOUT'), SECURED],
  ['REDIS_TLS=NO', error('wrong version number', 'EPROTO'), SECURED],
  ['REDIS_TLS=YES', error('read ECONNRESET', 'ECONNRESET'), PLAIN],
  ['REDIS_TLS=YES', error('the connection closed'), PLAIN],
  ['REDIS_TLS=YES', error('Unknown RESP type 21 "\u0015"'), PLAIN],
  ['something else than Redis', error('Unknown RESP type 72 "H"'), PLAIN],
  ['REDIS_TLS_CA', error('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'), SECURED],
  ['REDIS_HOST', error('does not match', 'ERR_TLS_CERT_ALTNAME_INVALID'), SECURED],
  ['REDIS_HOST and REDIS_PORT', error('connect ECONNREFUSED 192.0.2.1:6379', 'ECONNREFUSED'), PLAIN],
  ['REDIS_HOST', error('getaddrinfo ENOTFOUND nowhere', 'ENOTFOUND'), PLAIN],
  ['REDIS_PASSWORD', error('NOAUTH Authentication required.'), PLAIN],
  ['REDIS_USERNAME and REDIS_PASSWORD', error('WRONGPASS invalid username-password pair'), PLAIN],
])('names %s: %s', (setting, fault, use) => {
  const explained = explainRedisFault(fault, use);
  expect(explained).toContain(`${fault.message}; `);
  expect(explained).toContain(setting);
});

test('a server that has answered before was reached with the right settings', () => {
  for (const fault of [error('read ECONNRESET', 'ECONNRESET'), error('connect ECONNREFUSED', 'ECONNREFUSED')])
    expect(explainRedisFault(fault, { secured: false, answered: true })).toBe(fault.message);
});

test('an error without a message is told by its code', () => {
  expect(messageOf(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED');
  expect(messageOf(undefined)).toBe('unknown error');
});
