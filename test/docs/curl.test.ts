import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { Explanation } from '../../service/http/api/schemas/explain';
import { OrderResult } from '../../service/http/api/schemas/order';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { startTestNode } from '../support/servers/test-node';
import { documents, shownCommands } from './markdown';

const TOKEN = 'the-token-of-the-readme';

test('the curl commands of README.md explain a channel and end its stream', async () => {
  const readme = documents().find(({ path }) => path === 'README.md')!;
  const commands = shownCommands(readme).filter((command) => command.startsWith('curl '));
  const node = await startTestNode({ OPERATOR_TOKEN: TOKEN });
  const client = await RtmpClient.publisher({ port: node.ports.rtmp, channel: 'CHANNEL', key: 'key' });
  const answers: unknown[] = [];
  for (const command of commands) {
    const here = command.replace('127.0.0.1:8080', `127.0.0.1:${node.ports.http}`);
    const env = { ...process.env, OPERATOR_TOKEN: TOKEN };
    const { stdout } = await promisify(execFile)('sh', ['-c', here], { env });
    answers.push(JSON.parse(stdout));
  }
  expect(Explanation.parse(answers[0]).verdict).toBe('live');
  expect(OrderResult.parse(answers[1]).done).toBe(true);
  await client.expectClosed();
});
