import { describe, expect, test } from '@jest/globals';
import { describeCallbackFault } from '../../../service/auth/callback-faults';

const NOBODY_YET = { proofs: 'JWT_SECRET', proven: false };
const PROVEN = { proofs: 'JWT_SECRET', proven: true };

const answered = (status: number) => ({ outcome: 'answered', status, headers: new Map<string, string>() }) as const;

describe('an answer', () => {
  test.each([
    [401, /is JWT_SECRET the same on both sides/],
    [204, /only status 200 accepts/],
    [300, /redirects are not followed/],
    [302, /redirects are not followed, set CALLBACK_URL/],
    [500, /its own log says why/],
    [503, /its own log says why/],
    [404, /is the path of CALLBACK_URL wrong\?/],
    [405, /does it take POST/],
  ])('with status %i tells what to mend, whatever was accepted before', (status, hint) => {
    for (const about of [NOBODY_YET, PROVEN]) {
      expect(describeCallbackFault(answered(status), about)?.message).toMatch(hint);
      expect(describeCallbackFault(answered(status), about)?.message).toContain(`status ${status}`);
    }
  });

  test.each([400, 403, 499])(
    'with status %i is a decision, which may be a mistake while nothing was accepted',
    (status) => {
      const hint = /the stream is refused, the log of the handler says why/;
      expect(describeCallbackFault(answered(status), NOBODY_YET)?.message).toMatch(hint);
      expect(describeCallbackFault(answered(status), PROVEN)).toBeUndefined();
    },
  );

  test('of AWS in the place of the handler says so', () => {
    const about = { ...PROVEN, awsError: 'AccessDeniedException' };
    expect(describeCallbackFault(answered(403), about)?.message).toMatch(/^AWS answered .* AccessDeniedException/);
  });

  test('with status 200, or not waited for, is no fault', () => {
    expect(describeCallbackFault(answered(200), NOBODY_YET)).toBeUndefined();
    expect(describeCallbackFault({ outcome: 'aborted' }, NOBODY_YET)).toBeUndefined();
  });
});

test('a time-out names the setting that bounds it', () => {
  expect(describeCallbackFault({ outcome: 'timed-out' }, PROVEN)?.message).toContain('(CALLBACK_TIMEOUT_SECONDS)');
});

test.each([
  ['ECONNREFUSED', 'nothing listens'],
  ['ENOTFOUND', 'host name of CALLBACK_URL is not known'],
  ['EPROTO', 'does not speak TLS'],
  ['ECONNRESET', 'does the handler expect https://?'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SSL_CERT_FILE'],
])('a connection that fails with %s is explained', (reason, hint) => {
  const fault = describeCallbackFault({ outcome: 'unreachable', reason }, PROVEN);
  expect(fault?.message).toMatch(`The callback handler could not be reached (${reason}): `);
  expect(fault?.message).toContain(hint);
});

test('an unknown reason is told as it is', () => {
  const fault = describeCallbackFault({ outcome: 'unreachable', reason: 'toString' }, PROVEN);
  expect(fault?.message).toBe('The callback handler could not be reached (toString)');
});
