import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SCHEMA } from '../../service/leases/redis/life-documents';
import { FleetOfFile } from '../support/servers/fleet';
import { bundlePath, ensureBundle } from '../support/servers/server-process';
import { expectFlows } from '../support/servers/server-of-file';

/** A build of the server that writes records of a later version to Redis. */
function buildLaterRelease(directory: string): string {
  ensureBundle();
  const text = readFileSync(bundlePath, 'utf8');
  const constant = new RegExp(`\\b(?:var|const|let) SCHEMA = ${SCHEMA};`, 'g');
  expect(text.match(constant)).toHaveLength(1);
  const path = join(directory, 'rtmp-server.cjs');
  writeFileSync(path, text.replace(constant, `var SCHEMA = ${SCHEMA + 1};`));
  return path;
}

describe('two releases in one fleet, during a deploy,', () => {
  const ofFile = FleetOfFile.start({
    callbacks: true,
    nodes: 2,
    environment: { RECONNECT_GRACE_SECONDS: '20', PUBLISHER_TAKEOVER: 'YES' },
  });
  let directory = '';
  const [FORMER, OTHER, LATER] = [0, 1, 2];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'later-release-'));
    const { fleet } = ofFile;
    fleet.nodes.push(await fleet.newNode(LATER, {}, { bundle: buildLaterRelease(directory) }));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function answerWithIds(channel: string): void {
    ofFile.fleet.journal.answer(channel, ({ claims }) => {
      return { headers: { 'stream-id': (claims['resume'] as string | undefined) ?? `id-of-${channel}` } };
    });
  }

  test('a stream of the former continues on the later', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    answerWithIds(channel);
    const first = await fleet.publisher(FORMER, channel);
    const viewers = [await fleet.player(OTHER, channel), await fleet.player(LATER, channel)];
    for (const viewer of viewers) await expectFlows(first, viewer, 'before');
    await first.connection.reset();
    const second = await fleet.publisherWhenPossible(LATER, channel);
    for (const viewer of viewers) await expectFlows(second, viewer, 'after');
    expect(fleet.journal.events(channel)).toEqual(['start', 'start']);
    second.deleteStream();
    expect((await fleet.journal.next(channel, 'stop')).claims['stream_id']).toBe(`id-of-${channel}`);
    expect(fleet.journal.events(channel)).toEqual(['start', 'start', 'stop']);
  });

  test('the former has viewers of the later’s streams, and leaves their channels alone', async () => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    answerWithIds(channel);
    const publisher = await fleet.publisher(LATER, channel);
    const viewer = await fleet.player(FORMER, channel);
    await expectFlows(publisher, viewer, 'on the former');
    await expect(fleet.publisher(FORMER, channel)).rejects.toThrow('Stream already publishing');
    await expectFlows(publisher, viewer, 'still');
    expect(fleet.node(FORMER).log).toContain('A later release has written a channel');
    publisher.deleteStream();
    await fleet.journal.next(channel, 'stop');
    await fleet.publisherWhenPossible(FORMER, channel);
  });
});
