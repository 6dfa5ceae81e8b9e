import { expect, test } from '@jest/globals';
import { ConfigError } from '../../../service/config/config-error';
import { OperatorError } from '../../../service/errors/operator-error';
import { describeStartFailure } from '../../../service/node/start-failure';

test('what an operator can mend is told in words', () => {
  const cause = new Error('listen EADDRINUSE');
  expect(describeStartFailure(new OperatorError('RTMP cannot listen', { cause }))).toBe('RTMP cannot listen');
  const faulty = new ConfigError([{ variable: 'RTMP_PORT', problem: 'is "x"' }]);
  expect(describeStartFailure(faulty)).toBe('1 setting cannot be used:\n  RTMP_PORT is "x"');
});

test('a defect is told with its stack, also when it has a cause', () => {
  const defect = new TypeError('undefined is not a function', { cause: new Error('deeper') });
  expect(describeStartFailure(defect)).toContain('start-failure.test.ts');
  expect(describeStartFailure('thrown text')).toBe('thrown text');
});
