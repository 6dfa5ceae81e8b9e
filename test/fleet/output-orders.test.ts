import { afterAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OrderResult } from '../../service/http/api/schemas/order';
import type { OutputStatus } from '../../service/http/api/schemas/output';
import { StreamDetail } from '../../service/http/api/schemas/stream';
import { LivePublisher } from '../support/rtmp/live-publisher';
import { FleetOfFile } from '../support/servers/fleet';
import { eventOf, eventsOf, until } from '../support/servers/outputs-process';
import { ServerOfFile } from '../support/servers/server-of-file';

const TOKEN = 'the-token-of-the-fleet';
const SECRET = 's3cr3t-of-the-target';

const folder = mkdtempSync(join(tmpdir(), 'output-orders-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const target = ServerOfFile.start({ HTTP_PORT: '0' });
const ofFile = FleetOfFile.start({
  nodes: 2,
  callbacks: true,
  environment: {
    ...{ OPERATOR_TOKEN: TOKEN, CONCURRENT_LIMIT_WHITELIST: '*', FORWARD_ALLOW: '127.0.0.1' },
    ...{ RECORD_TO: folder, RECORD_STREAMS: 'asked', PUBLISHER_TAKEOVER: 'YES', RECONNECT_GRACE_SECONDS: '10' },
  },
});

const api = (at: number, path: string): string => ofFile.fleet.node(at).httpUrl(`/api/v1${path}`);

async function order(at: number, path: string, body: object = {}): Promise<OrderResult> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const answer = await fetch(api(at, path), { method: 'POST', headers, body: JSON.stringify(body) });
  return OrderResult.parse(await answer.json());
}

/** The outputs of a stream, as a node shows them, once they are as expected; ids of forwards without their hash. */
async function outputs(
  at: number,
  channel: string,
  expected: Readonly<Record<string, string>>,
): Promise<OutputStatus[]> {
  return until(async () => {
    const detail = StreamDetail.parse(await (await fetch(api(at, `/streams/${channel}`))).json());
    const states = Object.fromEntries(
      detail.outputs.map(({ id, state }) => [id.replace(/^forward-.*/, 'forward'), state]),
    );
    return JSON.stringify(states) === JSON.stringify(expected) ? detail.outputs : undefined;
  });
}

test('any node takes orders about the outputs of a stream, and shows them; the key of a target is shown nowhere', async () => {
  const { fleet } = ofFile;
  const [here, elsewhere] = [fleet.node(0), 1];
  const channel = fleet.newChannel();
  const publisher = await LivePublisher.start({ channel, key: 'key', port: () => here.rtmpPort });
  try {
    await outputs(elsewhere, channel, {});
    const url = target.process.rtmpUrl('ordered', SECRET);
    const forward = await order(elsewhere, `/streams/${channel}/forward`, { url });
    expect(forward).toMatchObject({ order: 'forward', target: channel, done: true, unanswered: [] });
    const [live] = await outputs(elsewhere, channel, { forward: 'live' });
    expect(live).toMatchObject({ kind: 'forward', origin: 'order', state: 'live' });
    expect(await order(elsewhere, `/streams/${channel}/forward`, { url })).toMatchObject({ done: false });

    expect(await order(elsewhere, `/streams/${channel}/record`, { formats: ['flv'] })).toMatchObject({ done: true });
    await outputs(elsewhere, channel, { forward: 'live', 'record-flv': 'recording' });
    const metrics = await (await fetch(here.httpUrl('/metrics'))).text();
    expect(metrics).toContain('rtmp_outputs{kind="forward",state="live"} 1');
    expect(metrics).toContain('rtmp_outputs{kind="record",state="recording"} 1');
    expect(await order(elsewhere, `/streams/${channel}/stop-recording`)).toMatchObject({ done: true });
    expect(await eventOf(here, 'recording.done')).toMatchObject({ channel, output: 'record-flv', format: 'flv' });
    await outputs(elsewhere, channel, { forward: 'live' });
    expect(await order(elsewhere, `/streams/${channel}/remove-output`, { output: 'none' })).toMatchObject({
      done: false,
      sentence: `the stream has no such output, it has: ${live!.id}`,
    });
    const removed = await order(elsewhere, `/streams/${channel}/remove-output`, { output: live!.id });
    expect(removed).toMatchObject({ done: true });
    await outputs(elsewhere, channel, {});
    const said = [forward, live, removed, await eventsOf(here), metrics];
    expect(JSON.stringify(said)).not.toContain(SECRET);
    for (const node of fleet.nodes) expect(node.log).not.toContain(SECRET);
  } finally {
    publisher.stop();
  }
});

test('the handler says where a stream goes, and another publisher of it brings another answer', async () => {
  const { fleet } = ofFile;
  const channel = fleet.newChannel();
  const asked = { forward: target.process.rtmpUrl('asked', SECRET), record: 'flv' };
  fleet.journal.answer(channel, () => ({ headers: { 'stream-id': 'with-outputs', ...asked } }));
  const publisher = await LivePublisher.start({ channel, key: 'key', port: () => fleet.node(0).rtmpPort });
  try {
    await outputs(1, channel, { forward: 'live', 'record-flv': 'recording' });
    fleet.journal.answer(channel, () => ({ headers: { 'stream-id': 'with-outputs', forward: 'none', record: 'flv' } }));
    const second = await LivePublisher.start({ channel, key: 'key', port: () => fleet.node(0).rtmpPort });
    try {
      await outputs(1, channel, { 'record-flv': 'recording' });
    } finally {
      second.stop();
    }
  } finally {
    publisher.stop();
  }
  for (const node of fleet.nodes) expect(node.log).not.toContain(SECRET);
});

test('what operators ordered goes along with a stream to another node', async () => {
  const { fleet } = ofFile;
  const channel = fleet.newChannel();
  fleet.journal.answer(channel, ({ claims }) => ({
    headers: { 'stream-id': (claims['resume'] as string | undefined) ?? 'with-orders' },
  }));
  const first = await LivePublisher.start({ channel, key: 'key', port: () => fleet.node(0).rtmpPort });
  await outputs(0, channel, {});
  const url = target.process.rtmpUrl('follows', SECRET);
  expect(await order(1, `/streams/${channel}/forward`, { url })).toMatchObject({ done: true });
  expect(await order(1, `/streams/${channel}/record`)).toMatchObject({ done: true });
  await outputs(1, channel, { forward: 'live', 'record-flv': 'recording' });
  await first.lose();
  const second = await LivePublisher.start({ channel, key: 'key', port: () => fleet.node(1).rtmpPort });
  try {
    const [forward] = await outputs(0, channel, { forward: 'live', 'record-flv': 'recording' });
    expect(forward).toMatchObject({ origin: 'order' });
    const stored = await fleet.redis.withClient((client) => client.get(`{rtmp}:life:${channel}`));
    expect(stored).toContain('"orders":');
    expect(stored).not.toContain(SECRET);
  } finally {
    second.stop();
  }
});
