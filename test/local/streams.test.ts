import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, test } from '@jest/globals';
import { packetsOf, packetsOfFile, playWithFfmpeg, publishWithFfmpeg, sourceFile } from '../support/programs/ffmpeg';
import type { RtmpClient } from '../support/rtmp/rtmp-client';
import { invoke } from './aws/invoke';
import { DeploymentOfFile } from './deployment-of-file';
import { createChannel } from './stream-channels';

const file = DeploymentOfFile.start();

describe('a channel made on the command line', () => {
  test('is published with ffmpeg over rtmps and played over rtmp, bit for bit', async () => {
    const { key } = await file.keys('create', 'news');
    const source = await sourceFile('h264-aac');
    const player = playWithFfmpeg(file.url('rtmp', 'news', String(key)));
    await file.until('a player', () => file.log.some((line) => /"message":"play".*"channel":"news"/.test(line)));
    await publishWithFfmpeg(source, file.url('rtmps', 'news', String(key))).succeeded();
    expect(await packetsOf(player)).toEqual(await packetsOfFile(source));
  });

  test('refuses another key for good, and any key once it is disabled', async () => {
    const key = await createChannel(file.deployment, 'closed');
    const refusal = async (presented: string): Promise<string> => {
      const client = await file.connect('closed');
      await client.createStream();
      client.sendPublish(presented);
      const { code } = await client.nextStatus();
      await client.expectClosed();
      return code;
    };
    expect(await refusal(`${key}x`)).toBe('NetStream.Publish.Denied');
    const accepted = await file.publisher('closed', key);
    accepted.deleteStream();
    await accepted.close();
    await file.keys('disable', 'closed');
    expect(await refusal(key)).toBe('NetStream.Publish.Denied');
  });
});

test("the client's address is the client's, for the callback and in the history, and not the load balancer's", async () => {
  const key = await createChannel(file.deployment, 'from-afar');
  for (const tls of [true, false]) {
    const client = await file.connect('from-afar', { tls, localAddress: '127.0.0.2' });
    await client.publish(key);
    client.deleteStream();
    await client.close();
  }
  await file.until('two stops', () => file.callbacksOf('from-afar').length === 4);
  expect(file.callbacksOf('from-afar').map((claims) => claims['client_ip'])).toEqual(Array(4).fill('127.0.0.2'));
  const [start] = file.callbacksOf('from-afar');
  // The address that the task's metadata name, so that a handler knows where to pull from.
  expect(start).toMatchObject({ event: 'start', rtmp_host: '127.0.0.1', sub: 'rtmp_event' });
  const { sessions } = await file.keys('sessions', 'from-afar');
  expect(sessions).toMatchObject([{ clientIp: '127.0.0.2' }, { clientIp: '127.0.0.2' }]);
});

describe('a live stream is ended', () => {
  const live = async (channel: string): Promise<RtmpClient> =>
    file.publisher(channel, await createChannel(file.deployment, channel));

  const expectEnded = async (channel: string, publisher: RtmpClient): Promise<void> => {
    await publisher.expectClosed();
    await file.until('a stop', () => file.callbacksOf(channel).some(({ event }) => event === 'stop'));
    const [start, stop] = file.callbacksOf(channel);
    expect([start?.['event'], stop?.['event']]).toEqual(['start', 'stop']);
    expect(String(publisher.statusCodes)).not.toContain('Denied');
  };

  test('by an operator who invokes the function, and it is written down', async () => {
    const { lambda, functions, tables } = file.deployment;
    const operator = functions.get('Operator').settings;
    const publisher = await live('killed');
    const result = await invoke(lambda, operator.name, { command: 'kill', channel: 'killed', reason: 'test' });
    expect(result).toMatchObject({ command: 'kill', channel: 'killed', audited: true });
    await expectEnded('killed', publisher);
    const scan = new ScanCommand({ TableName: operator.variables['AUDIT_TABLE_NAME'] });
    expect((await tables.client.send(scan)).Items).toMatchObject([
      { command: { S: 'kill' }, channel: { S: 'killed' }, reason: { S: 'test' } },
    ]);
  });

  test('by a plain PUBLISH of a client that knows nothing but the password', async () => {
    const { cache, secrets } = file.deployment;
    const publisher = await live('published');
    const password = secrets.firstValue('CachePublisherPassword');
    const receivers = await cache.server.withClient(
      (client) => client.publish('rtmp_commands', 'kill-session>published'),
      { password },
    );
    expect(receivers).toBe(2);
    await expectEnded('published', publisher);
  });
});
