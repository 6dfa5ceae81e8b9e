import { afterEach, expect, jest, test } from '@jest/globals';
import { AcceptAllAuthorizer } from '../../../service/auth/accept-all-authorizer';
import { MemoryLives } from '../../../service/leases/memory-lives';
import { AdmissionRig, lifePolicyOf } from './admission-rig';

afterEach(() => {
  jest.restoreAllMocks();
});

test('a stream that continues on other nodes is as old as it was there', async () => {
  const policy = { graceMs: 60_000 };
  const lives = new MemoryLives(lifePolicyOf(policy));
  const authorizer = new AcceptAllAuthorizer();
  authorizer.authorizeStart = () =>
    Promise.resolve({ accepted: true, grant: { streamId: 'stream', maxDurationSeconds: 3_600 } });
  const rigs = [1, 2, 3].map(() => new AdmissionRig(policy, lives, authorizer));
  const began = Date.now();
  const ages: (number | undefined)[] = [];
  for (const [minutes, rig] of rigs.entries()) {
    jest.spyOn(Date, 'now').mockReturnValue(began + minutes * 60_000);
    const publisher = rig.publisher();
    const publication = await rig.publishes(publisher);
    ages.push(publication.grant.liveElsewhereMs);
    rig.admission.leave(publisher, publication, false);
  }
  expect(ages).toEqual([undefined, 60_000, 120_000]);
  for (const rig of rigs) await rig.admission.close();
});

test('a publisher that comes back to its node finds the stream as old as it is there, with nothing added', async () => {
  const rig = new AdmissionRig({ graceMs: 60_000 });
  const publisher = rig.publisher();
  const { stream } = await rig.publishes(publisher);
  rig.admission.leave(publisher, rig.hub.find('channel')!.publication!, false);
  const [wallClock, clock] = [Date.now(), performance.now()];
  jest.spyOn(Date, 'now').mockReturnValue(wallClock + 60_000);
  jest.spyOn(performance, 'now').mockReturnValue(clock + 60_000);
  const publication = await rig.publishes();
  expect(publication.stream).toBe(stream);
  // The two clocks were not read at one moment.
  expect(publication.grant.liveElsewhereMs).toBeLessThan(30_000);
  await rig.admission.close();
});
