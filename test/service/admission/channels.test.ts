import { expect, test } from '@jest/globals';
import { Admission } from '../../../service/admission/admission';
import { KeyHash } from '../../../service/admission/key-hash';
import { AcceptAllAuthorizer } from '../../../service/auth/accept-all-authorizer';
import { MemoryRegistry } from '../../../service/fleet/memory-registry';
import { Hub } from '../../../service/hub/hub';
import type { Publisher } from '../../../service/hub/publication';
import { SlabPool } from '../../../service/hub/slab';
import { TrafficCounters } from '../../../service/metrics/traffic-counters';
import { MemoryLogger } from '../../support/memory-logger';

const STREAM = { channel: 'channel', key: 'key', query: '' };

function node(graceMs: number) {
  const hub = new Hub({
    pool: new SlabPool(0),
    traffic: new TrafficCounters(),
    chunkSize: 4096,
    gopCacheBytes: 0,
    scheduler: { ready: () => undefined },
    now: () => 0,
  });
  const admission = new Admission({
    hub,
    authorizer: new AcceptAllAuthorizer(),
    registry: new MemoryRegistry().member('node'),
    policy: { takeover: false, graceMs, withoutRegistry: 'accept' },
    keyHash: new KeyHash(Buffer.alloc(32)),
    log: new MemoryLogger(),
    orphaned: () => undefined,
    refusal: () => undefined,
  });
  return { hub, admission };
}

const publisher: Publisher = {
  clientIp: '192.0.2.7',
  software: '',
  isRelay: false,
  kill: () => undefined,
  displaced: () => undefined,
};

test.each([
  ['leaves in good order', 0, true],
  ['is lost and nothing is held for it', 0, false],
  ['leaves in good order although it would be waited for', 60_000, true],
])('nothing is kept of a channel whose publisher %s', async (_how, graceMs, graceful) => {
  const { hub, admission } = node(graceMs);
  const outcome = await admission.admit(publisher, STREAM, new AbortController().signal);
  if (!outcome.accepted) throw new Error(outcome.reason);
  expect(hub.find('channel')?.publication).toBe(outcome.publication);
  admission.leave(publisher, outcome.publication, graceful);
  expect(hub.find('channel')).toBeUndefined();
});
