import { expect, test } from '@jest/globals';
import { codeOf, describeError, messageOf } from '../../../service/errors/error-text';

const refused = Object.assign(new TypeError('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const nameless = Object.assign(new Error(''), { code: 'ECONNREFUSED' });

test.each([
  ['connect ECONNREFUSED', 'TypeError: connect ECONNREFUSED', 'ECONNREFUSED', refused],
  // As Node.js has it when several addresses failed.
  ['ECONNREFUSED', 'Error: ', 'ECONNREFUSED', nameless],
  ['unknown error', 'unknown error', undefined, 'a text'],
  ['unknown error', 'unknown error', undefined, undefined],
])('an error is told as %j, as %j and as %j', (message, description, code, error) => {
  expect([messageOf(error), describeError(error), codeOf(error)]).toEqual([message, description, code]);
});
