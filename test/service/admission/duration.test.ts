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
