import { describe, expect, test } from '@jest/globals';
import { avc } from '../../support/rtmp/media';
import { AdmissionRig } from './admission-rig';

describe.each([
  ['with streams that end', 0],
  ['with streams that go on', 60_000],
])('a channel that was taken over, %s', (_name, graceMs) => {
  test('is kept while its publisher sends, and can be taken over when it is silent', async () => {
    const rig = new AdmissionRig({ takeover: true, graceMs });
    const [first, second, third] = [rig.publisher(), rig.publisher(), rig.publisher()];
    await rig.publishes(first);
    rig.pass(1, 10, first);
    const kept = await rig.publishes(second);
    expect(rig.displaced).toEqual([first]);
    expect(await rig.admit(first)).toMatchObject({ accepted: false, final: false });
    // No keyframe for this long: if the stream continues, players get none of these frames.
    rig.pass(11, 20, second, avc.interFrame('undecodable'));
    expect(await rig.admit(first)).toMatchObject({ accepted: false, final: false });
    expect(kept.publisher).toBe(second);
    rig.pass(21, 24);
    await rig.publishes(third);
    expect(rig.displaced).toEqual([first, second]);
  });

  test('is free when its publisher has left', async () => {
    const rig = new AdmissionRig({ takeover: true, graceMs });
    const second = rig.publisher();
    await rig.publishes();
    const publication = await rig.publishes(second);
    rig.pass(11, 20, second);
    rig.admission.leave(second, publication, false);
    await rig.publishes();
    await rig.admission.close();
  });
});
