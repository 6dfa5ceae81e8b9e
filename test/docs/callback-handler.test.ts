import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Program } from '../support/programs/program';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { startTestNode } from '../support/servers/test-node';
import { repositoryRoot } from '../support/servers/server-process';
import { readDocument, section } from './markdown';

// Within the repository, so that the handler finds `jose`.
const parent = join(repositoryRoot, '.build');
mkdirSync(parent, { recursive: true });
const folder = mkdtempSync(join(parent, 'handler-'));
afterAll(() => rmSync(folder, { recursive: true }));

const [, source = ''] = /^```js\n([\s\S]*?)^```/m.exec(section(readDocument('README.md'), '## Callbacks')) ?? [];
const JWT_SECRET = 'a secret of at least thirty-two bytes';

test("README's callback handler lets the right key publish and refuses another for good", async () => {
  const listening = ".listen(8000, '127.0.0.1')";
  expect(source).toContain(listening);
  const anyPort = ".listen(0, '127.0.0.1', function () { console.log('port', this.address().port); })";
  writeFileSync(join(folder, 'handler.mjs'), source.replace(listening, anyPort));
  const env = { PATH: process.env['PATH'], JWT_SECRET, STREAM_KEY: 'right' };
  const handler = new Program(process.execPath, [join(folder, 'handler.mjs')], { env, timeoutMs: 60_000 });
  const [, port] = await handler.waitForOutput(/port (\d+)/);
  const node = await startTestNode({ CALLBACK_URL: `http://127.0.0.1:${port}/`, JWT_SECRET });

  const publisher = await RtmpClient.publisher({ port: node.ports.rtmp, channel: 'live', key: 'right' });
  const { text } = await node.page('/api/streams');
  expect(text).toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
  await publisher.close();

  const stranger = await RtmpClient.connect({ port: node.ports.rtmp, app: 'live' });
  await stranger.createStream();
  stranger.sendPublish('wrong');
  expect((await stranger.nextStatus()).code).toBe('NetStream.Publish.Denied');
  await node.stop();
  handler.signal('SIGTERM');
  await handler.exited;
});
