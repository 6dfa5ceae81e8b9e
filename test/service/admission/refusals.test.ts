import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { outcomeOf } from '../../../service/admission/attempt';
import type {
  PublishAuthorizer,
  PublishDecision,
  PublishRequest,
  StartRefusal,
} from '../../../service/auth/publish-authorizer';
import { MessageType } from '../../../service/protocol/message-types';
import { avc } from '../../support/rtmp/media';
import { AdmissionRig } from './admission-rig';

const STREAM = { channel: 'channel', key: 'key', query: '' };
const NOW = Date.UTC(2026, 5, 1);

afterEach(() => {
  jest.useRealTimers();
});

/** Counts its questions, and screens and answers as told. */
class ScriptedAuthorizer implements PublishAuthorizer {
  asked = 0;
  /** Stops that may become due. */
  expected = 0;
  later: ((decision: PublishDecision) => void) | undefined;

  constructor(
    private readonly script: {
      readonly screened?: StartRefusal | Promise<StartRefusal | undefined>;
      readonly decision?: PublishDecision;
    },
  ) {}

  screen(): StartRefusal | Promise<StartRefusal | undefined> | undefined {
    return this.script.screened;
  }

  authorizeStart(
    _request: PublishRequest,
    _signal: AbortSignal,
    later: (decision: PublishDecision) => void,
  ): Promise<PublishDecision> {
    this.asked += 1;
    this.later = later;
    return Promise.resolve(this.script.decision ?? { accepted: true, grant: { streamId: '' } });
  }

  expectStop(): () => void {
    this.expected += 1;
    return () => void (this.expected -= 1);
  }

  stopsDue(): void {}

  drain(): Promise<number> {
    return Promise.resolve(0);
  }
}

function rigWith(script: ConstructorParameters<typeof ScriptedAuthorizer>[0], graceMs = 0) {
  const authorizer = new ScriptedAuthorizer(script);
  return { authorizer, rig: new AdmissionRig({ graceMs, takeover: true }, undefined, authorizer) };
}

describe('what the publisher is told of each refusal', () => {
  test.each([
    [{ why: 'busy' }, { final: false, reason: 'Stream already publishing' }],
    [{ why: 'crowded' }, { final: false, reason: expect.stringContaining('Other publishers') }],
    [{ why: 'unreachable' }, { final: false, reason: 'The fleet registry cannot be reached' }],
    [{ why: 'killed' }, { final: false, reason: expect.stringContaining('was ended') }],
    [{ why: 'noAnswer' }, { final: false, reason: 'ECONNREFUSED' }],
    [
      { why: 'refused', final: true, reason: 'no' },
      { final: true, reason: 'no' },
    ],
    [
      { why: 'refused', final: false, reason: 'later' },
      { final: false, reason: 'later' },
    ],
  ] as const)('%j', (refusal, outcome) => {
    expect(outcomeOf(refusal, 'ECONNREFUSED')).toEqual({ accepted: false, ...outcome });
  });

  test.each([
    [60_000, 60],
    [1_001, 2],
    [1, 1],
    [-5_000, 1],
  ])('a block for another %d ms is final, for %d s', (ms, seconds) => {
    jest.useFakeTimers({ now: NOW });
    const reason = `Channel is blocked for ${seconds} s by the operator`;
    expect(outcomeOf({ why: 'blocked', until: NOW + ms })).toEqual({ accepted: false, final: true, reason });
  });
});

describe('the handler is not asked', () => {
  const refused = { accepted: false, final: true, reason: 'wait' } as const;

  test.each([
    ['at once', refused],
    ['after a wait', Promise.resolve(refused)],
  ])('about a publisher that is screened out %s', async (_, screened) => {
    const { authorizer, rig } = rigWith({ screened });
    expect(await rig.admit(rig.publisher())).toEqual(refused);
    expect(authorizer.asked).toBe(0);
  });

  test('when the publisher has gone while it was screened', async () => {
    const { authorizer, rig } = rigWith({ screened: Promise.resolve(undefined) });
    const gone = new AbortController();
    const outcome = rig.admission.admit(rig.publisher(), STREAM, gone.signal);
    gone.abort();
    expect(await outcome).toEqual({ accepted: false, final: false, reason: 'The publisher has gone' });
    expect(authorizer.asked).toBe(0);
  });

  test('by a node that is shutting down, or has no room', async () => {
    const { authorizer, rig } = rigWith({});
    rig.full = 'no room';
    expect(await rig.admit(rig.publisher())).toEqual({ accepted: false, final: false, reason: 'no room' });
    rig.refusing = 'shutting down';
    expect(await rig.admit(rig.publisher())).toEqual({ accepted: false, final: false, reason: 'shutting down' });
    expect(authorizer.asked).toBe(0);
    rig.full = undefined;
    rig.refusing = undefined;
    expect(await rig.admit(rig.publisher())).toMatchObject({ accepted: true });
  });
});

test('without an answer the publisher hears why, and may try again', async () => {
  const { rig } = rigWith({ decision: { accepted: false, final: false, reason: 'ETIMEDOUT', unsettled: 'unknown' } });
  expect(await rig.admit(rig.publisher())).toEqual({ accepted: false, final: false, reason: 'ETIMEDOUT' });
});

test('while an answer may still come, a stop is expected; it is due when the answer was yes', async () => {
  const { authorizer, rig } = rigWith({
    decision: { accepted: false, final: false, reason: 'late', unsettled: 'late' },
  });
  expect(await rig.admit(rig.publisher())).toMatchObject({ accepted: false, final: false, reason: 'late' });
  expect(authorizer.expected).toBe(1);
  authorizer.later?.({ accepted: true, grant: { streamId: 'unused' } });
  await rig.admission.close();
  expect(authorizer.expected).toBe(0);
  expect(rig.hub.find('channel')).toBeUndefined();
});

describe('who may come without the registry', () => {
  test('nobody when the policy says so', () => {
    const rig = new AdmissionRig({ withoutRegistry: 'reject' });
    expect(rig.admission.refusalAlone('channel')).toEqual({ why: 'unreachable' });
  });

  test('everybody else, but nobody to a channel that this node gets from another one', async () => {
    const rig = new AdmissionRig({});
    expect(rig.admission.refusalAlone('channel')).toBeUndefined();
    await rig.publishes();
    expect(rig.admission.refusalAlone('channel')).toBeUndefined();
    const relay = { ...rig.publisher(), isRelay: true };
    rig.hub.channel('relayed').reserve(relay, true);
    rig.hub.channel('relayed').begin(relay, { key: '', grant: { streamId: '' }, admitsKey: () => true });
    expect(rig.admission.refusalAlone('relayed')).toEqual({ why: 'busy' });
  });
});

test('players need the play key of the answer, and the publishing key when it has none', async () => {
  const admitted = async (decision: PublishDecision): Promise<boolean[]> => {
    const { rig } = rigWith({ decision });
    await rig.publishes();
    return ['for-viewers', 'key', ''].map((key) => rig.hub.channel('channel').admits(key));
  };
  const grant = { streamId: '' };
  expect(await admitted({ accepted: true, grant: { ...grant, playKey: 'for-viewers' } })).toEqual([true, false, false]);
  expect(await admitted({ accepted: true, grant })).toEqual([false, true, false]);
});

test('a publisher that was displaced ends nothing when it leaves', async () => {
  const { rig } = rigWith({});
  const [first, second] = [rig.publisher(), rig.publisher()];
  const before = await rig.publishes(first);
  const after = await rig.publishes(second);
  rig.admission.leave(first, before, true);
  rig.admission.leave(first, after, true);
  expect(rig.hub.find('channel')?.publication).toBe(after);
  after.inlet.appendMedia(MessageType.Video, 0, avc.keyframe('still here'));
  rig.admission.leave(second, after, true);
  expect(rig.hub.find('channel')).toBeUndefined();
});

describe('a held stream', () => {
  const held = async () => {
    jest.useFakeTimers();
    const { rig } = rigWith({}, 60_000);
    const publisher = rig.publisher();
    const publication = await rig.publishes(publisher);
    expect(rig.admission.isHeld(publication)).toBe(false);
    rig.admission.leave(publisher, publication, false);
    expect(rig.admission.isHeld(publication)).toBe(true);
    return { rig, publication };
  };

  test('is ended when that is asked for, and only once it is held', async () => {
    const { rig, publication } = await held();
    rig.admission.endHeld(publication);
    expect(rig.hub.find('channel')).toBeUndefined();
    expect(rig.admission.isHeld(publication)).toBe(false);
    const live = await rig.publishes();
    rig.admission.endHeld(publication);
    rig.admission.endHeld(live);
    expect(rig.hub.find('channel')?.publication).toBe(live);
  });

  test('is waited for until it ends', async () => {
    const { rig, publication } = await held();
    const ended = jest.fn();
    const waiting = rig.admission.noneHeld(10_000).then(ended);
    await Promise.resolve();
    expect(ended).not.toHaveBeenCalled();
    rig.admission.endHeld(publication);
    await waiting;
    expect(jest.getTimerCount()).toBe(0);
  });

  test('is waited for no longer than wanted', async () => {
    const { rig } = await held();
    const ended = jest.fn();
    const waiting = rig.admission.noneHeld(10_000).then(ended);
    jest.advanceTimersByTime(9_999);
    await Promise.resolve();
    expect(ended).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    await waiting;
    await rig.admission.close();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('nothing is waited for when there is none', async () => {
    jest.useFakeTimers();
    await new AdmissionRig({}).admission.noneHeld(10_000);
    expect(jest.getTimerCount()).toBe(0);
  });
});
