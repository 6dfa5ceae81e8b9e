import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { AcceptAllAuthorizer } from '../../../service/auth/accept-all-authorizer';
import type { PublishDecision } from '../../../service/auth/publish-authorizer';
import type { StopRecord } from '../../../service/auth/stop-record';
import { MemoryLives } from '../../../service/leases/memory-lives';
import { AdmissionRig, lifePolicyOf } from './admission-rig';

afterEach(() => {
  jest.useRealTimers();
});

const POLICY = { graceMs: 60_000, takeover: true };
const ACCEPTED: PublishDecision = { accepted: true, grant: { streamId: 'stream' } };

/** Answers when the test says so; the stops stay where they are kept. */
class SlowAuthorizer extends AcceptAllAuthorizer {
  readonly #asked: ((decision: PublishDecision) => void)[] = [];

  override authorizeStart(): Promise<PublishDecision> {
    return new Promise((resolve) => this.#asked.push(resolve));
  }

  override stopsDue(): void {}

  /** Answers the first question that is out; the effects have been performed when it resolves. */
  async answer(decision = ACCEPTED): Promise<void> {
    this.#asked.shift()?.(decision);
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
  }
}

function nodesOf(count: number) {
  const lives = new MemoryLives(lifePolicyOf(POLICY));
  const authorizer = new SlowAuthorizer();
  const rigs = Array.from({ length: count }, () => new AdmissionRig(POLICY, lives, authorizer));
  const publishes = async (rig: AdmissionRig, publisher = rig.publisher()) => {
    const admitted = rig.publishes(publisher);
    await Promise.resolve();
    await authorizer.answer();
    return { publisher, publication: await admitted };
  };
  return { lives, authorizer, rigs, publishes };
}

async function stopsOf({ store }: AdmissionRig): Promise<readonly StopRecord[]> {
  return store.pullStops(10);
}

test('a publisher that is being asked about is not refused for waiting', async () => {
  jest.useFakeTimers();
  const { rigs } = nodesOf(1);
  const [a] = rigs as [AdmissionRig];
  void a.admit(a.publisher());
  expect(jest.getTimerCount()).toBe(0);
});

test('a node that dies while it asks about a held stream leaves a stop that names the start alone', async () => {
  const { lives, rigs, publishes } = nodesOf(2);
  const [a, b] = rigs as [AdmissionRig, AdmissionRig];
  const { publisher, publication } = await publishes(a);
  a.admission.leave(publisher, publication, false);
  void b.admit(b.publisher());
  lives.lost(b.store.member);
  expect(await stopsOf(a)).toMatchObject([
    { channel: 'channel', streamId: '', startJti: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  ]);
  expect(publication.publisher).toBeNull();
  await a.admission.close();
  expect(await stopsOf(a)).toMatchObject([{ streamId: 'stream' }]);
});

test.each([
  ['on the same node', 0],
  ['on another node', 1],
])('a publisher that comes back %s brings the outputs of its new answer', async (_, at) => {
  const { authorizer, rigs } = nodesOf(2);
  const begin = async (rig: AdmissionRig, forward: string) => {
    const publisher = rig.publisher();
    const admitted = rig.publishes(publisher);
    await Promise.resolve();
    await authorizer.answer({ accepted: true, grant: { streamId: 'stream', outputs: { forward: [forward] } } });
    return { publisher, publication: await admitted };
  };
  const [a] = rigs as [AdmissionRig];
  const { publisher, publication } = await begin(a, 'rtmp://one/app/key');
  a.admission.leave(publisher, publication, false);
  const resumed = await begin(rigs[at]!, 'rtmp://two/app/key');
  expect(resumed.publication.grant.outputs).toEqual({ forward: ['rtmp://two/app/key'] });
  for (const rig of rigs) await rig.admission.close();
});

test('a publisher that takes a live stream over brings the outputs of its new answer', async () => {
  const { authorizer, rigs } = nodesOf(1);
  const [rig] = rigs as [AdmissionRig];
  for (const record of ['flv', 'mp4'] as const) {
    const admitted = rig.publishes();
    await Promise.resolve();
    await authorizer.answer({ accepted: true, grant: { streamId: 'stream', outputs: { record: [record] } } });
    expect((await admitted).grant.outputs).toEqual({ record: [record] });
  }
  await rig.admission.close();
});

describe('the grace time of a held stream', () => {
  test('stands still while the handler is asked on another node, and runs on when it refuses', async () => {
    jest.useFakeTimers();
    const { authorizer, rigs, publishes } = nodesOf(2);
    const [a, b] = rigs as [AdmissionRig, AdmissionRig];
    const { publisher, publication } = await publishes(a);
    a.admission.leave(publisher, publication, false);
    jest.advanceTimersByTime(40_000);
    const returner = b.admit(b.publisher());
    await Promise.resolve();
    jest.advanceTimersByTime(14_000);
    jest.advanceTimersByTime(50_000);
    expect(a.hub.find('channel')?.publication).toBe(publication);
    await authorizer.answer({ accepted: false, final: true, reason: 'no' });
    expect(await returner).toMatchObject({ accepted: false, reason: 'no' });
    jest.advanceTimersByTime(19_000);
    expect(a.hub.find('channel')?.publication).toBe(publication);
    jest.advanceTimersByTime(2_000);
    expect(a.hub.find('channel')).toBeUndefined();
    expect(await stopsOf(a)).toMatchObject([{ streamId: 'stream' }]);
  });
});

test('a publisher that leaves while it is asked about is refused at once; its stream gets one stop', async () => {
  const { authorizer, rigs } = nodesOf(1);
  const [a] = rigs as [AdmissionRig];
  const gone = new AbortController();
  const outcome = a.admission.admit(a.publisher(), { channel: 'channel', key: 'key', query: '' }, gone.signal);
  await Promise.resolve();
  gone.abort();
  expect(await outcome).toMatchObject({ accepted: false, final: false });
  await authorizer.answer();
  expect(await stopsOf(a)).toMatchObject([{ streamId: 'stream', channel: 'channel', key: 'key' }]);
  expect(a.hub.find('channel')).toBeUndefined();
});

describe('a stream that another node has taken over', () => {
  test('keeps no old start for viewers who come later, when it continues there', async () => {
    const { rigs, publishes } = nodesOf(2);
    const [a, b] = rigs as [AdmissionRig, AdmissionRig];
    const { publisher, publication } = await publishes(a);
    a.pass(1, 3, a.publisher());
    expect(publication.stream.cachedBytes).toBeGreaterThan(0);
    await publishes(b);
    expect(publication.stream.cachedBytes).toBe(0);
    expect(a.displaced).toEqual([publisher]);
  });

  test('ends with a reason that is true, and lets the publisher return, when its node counted as dead', async () => {
    const { lives, rigs, publishes } = nodesOf(1);
    const [a] = rigs as [AdmissionRig];
    const { publication } = await publishes(a);
    const { publish } = lives.locate('channel')!;
    a.admission.perform('channel', [{ kind: 'ended', node: a.store.member, publish, why: 'claimed' }]);
    expect(publication.publisher).toBeNull();
    expect(a.displaced).toEqual([]);
    expect(a.killed).toEqual([expect.stringContaining('publish again')]);
  });
});
