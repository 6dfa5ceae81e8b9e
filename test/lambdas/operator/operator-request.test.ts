import { expect, test } from '@jest/globals';
import { commandOf, type OrderRequest, parseOperatorRequest } from '../../../lambdas/operator/operator-request';
import { commandText, parseCommand } from '../../../service/operators/command-parser';
import { PLAIN_NAMES } from '../../support/names';

test.each([
  { command: 'kill', channel: 'news' },
  { command: 'close', channel: 'news', streamId: 'id-7' },
  { command: 'block', channel: 'news', seconds: 604_800 },
  { command: 'unblock', channel: 'news' },
  { command: 'drain', node: 'ip-10-0-0-1.internal:7.worker-2' },
  { command: 'list' },
])('nodes read the order $command as the function means it', (order) => {
  const command = commandOf(parseOperatorRequest({ ...order, reason: 'abuse' }) as OrderRequest);
  expect(parseCommand(commandText(command), PLAIN_NAMES)).toEqual(command);
});

test('a path of the API is read as it stands, and nothing else is a path', () => {
  expect(parseOperatorRequest({ command: 'read', path: '/streams?limit=5' })).toEqual({
    command: 'read',
    path: '/streams?limit=5',
  });
  for (const path of ['streams', '', '/a b', '/\n', `/${'x'.repeat(2001)}`, 7]) {
    expect(() => parseOperatorRequest({ command: 'read', path })).toThrow(/path must be a path of the API/);
  }
  expect(() => parseOperatorRequest({ command: 'read', path: '/nodes', reason: 'x' })).toThrow(/takes no "reason"/);
});
