import { describe, expect, test } from '@jest/globals';
import { MemoryRegistry } from '../../../service/fleet/memory-registry';
import { avc } from '../../support/media';
import { AdmissionBench } from './admission-bench';

/** A registry that is away. */
function away(): MemoryRegistry {
  const registry = new MemoryRegistry();
  registry.acquire = () => ({ kind: 'unavailable' });
  registry.confirm = () => true;
  return registry;
}

describe.each([
  ['with the registry', () => new MemoryRegistry(), 0],
  ['without it', away, 0],
  ['with streams that go on', () => new MemoryRegistry(), 60_000],
])('a channel that was taken over, %s', (_name, registry, graceMs) => {
  test('is kept while its publisher sends, and can be taken over when it is silent', async () => {
    const bench = new AdmissionBench({ takeover: true, graceMs }, registry().member('node'));
    const [first, second, third] = [bench.publisher(), bench.publisher(), bench.publisher()];
    await bench.publishes(first);
    bench.pass(1, 10, first);
    const kept = await bench.publishes(second);
    expect(bench.displaced).toEqual([first]);
    expect(await bench.admit(first)).toMatchObject({ accepted: false, final: false });
    // No keyframe for so long: where the stream goes on, players get nothing of this.
    bench.pass(11, 20, second, avc.interFrame('undecodable'));
    expect(await bench.admit(first)).toMatchObject({ accepted: false, final: false });
    expect(kept.publisher).toBe(second);
    bench.pass(21, 24);
    await bench.publishes(third);
    expect(bench.displaced).toEqual([first, second]);
  });

  test('is free when its publisher has left', async () => {
    const bench = new AdmissionBench({ takeover: true, graceMs }, registry().member('node'));
    const second = bench.publisher();
    await bench.publishes();
    const publication = await bench.publishes(second);
    bench.pass(11, 20, second);
    bench.admission.leave(second, publication, false);
    await bench.publishes();
    await bench.admission.close();
  });
});
