import { expect, test } from '@jest/globals';
import { AdmissionRig } from './admission-rig';

test.each([
  ['leaves in good order', 0, true],
  ['is lost and nothing is held for it', 0, false],
  ['leaves in good order although it would be waited for', 60_000, true],
])('nothing is kept of a channel whose publisher %s', async (_how, graceMs, graceful) => {
  const rig = new AdmissionRig({ graceMs });
  const publisher = rig.publisher();
  const publication = await rig.publishes(publisher);
  expect(rig.hub.find('channel')?.publication).toBe(publication);
  rig.admission.leave(publisher, publication, graceful);
  expect(rig.hub.find('channel')).toBeUndefined();
});
