import { expect, test } from '@jest/globals';
import { AdmissionBench } from './admission-bench';

test.each([
  ['leaves in good order', 0, true],
  ['is lost and nothing is held for it', 0, false],
  ['leaves in good order although it would be waited for', 60_000, true],
])('nothing is kept of a channel whose publisher %s', async (_how, graceMs, graceful) => {
  const bench = new AdmissionBench({ graceMs });
  const publisher = bench.publisher();
  const publication = await bench.publishes(publisher);
  expect(bench.hub.find('channel')?.publication).toBe(publication);
  bench.admission.leave(publisher, publication, graceful);
  expect(bench.hub.find('channel')).toBeUndefined();
});
