import { expect, test } from '@jest/globals';
import { commandOf, parseOperatorRequest } from '../../../lambdas/operator/operator-request';
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
  const command = commandOf(parseOperatorRequest({ ...order, reason: 'abuse' }));
  expect(parseCommand(commandText(command), PLAIN_NAMES)).toEqual(command);
});
