import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ContinuedStream } from '../../../service/hub/next-source';
import type { Publisher } from '../../../service/hub/publisher';
import { StreamSources } from '../../../service/hub/stream-sources';
import { discardingSink } from '../../../service/protocol/chunk/payload-sink';
import { MessageType } from '../../../service/protocol/message-types';
import { interFrame, keyframe } from './stream-rig';

/** The name says what a source is: those of relays begin with `relay`. */
const named = (clientIp: string): Publisher => ({
  clientIp,
  software: '',
  isRelay: clientIp.startsWith('relay'),
  kill() {},
  displaced() {},
});

/** Notes what happens to the stream and its channel, in order. */
class Witness implements ContinuedStream {
  readonly hasVideo = true;
  readonly noted: string[] = [];

  readonly listener = {
    change: (steps: () => void): void => steps(),
    displaced: ({ clientIp }: Publisher): void => void this.noted.push(`${clientIp} displaced`),
    sourceDecided: (): void => void this.noted.push('decided'),
  };

  sourceLeft(): void {
    this.noted.push('left');
  }

  openMedia = (): typeof discardingSink => discardingSink;
  appendMedia = (_typeId: number, timestamp: number): void => void this.noted.push(`frame ${timestamp}`);
  appendData(): void {}
}

let witness: Witness;
let sources: StreamSources;
/** The first source. */
let a: Publisher;
beforeEach(() => {
  witness = new Witness();
  sources = new StreamSources(witness, witness.listener);
});

/** In words, such as `running a, own`: own where other nodes are served. */
function state(): string {
  const { publisher, inlet, isOwn } = sources;
  const name =
    publisher === null ? 'held' : `${inlet === witness ? 'running' : 'handing over to'} ${publisher.clientIp}`;
  return isOwn ? `${name}, own` : name;
}

const resume =
  (name: string, gently = false) =>
  (): void =>
    sources.resume(named(name), gently);
const hold = (): void => sources.hold();
const end = (): void => sources.end();
const sendKeyframe = (): void => sources.inlet.appendMedia(MessageType.Video, 9_000, keyframe('k'));

const running = [() => sources.begin(named('a'))];
const relayed = [() => sources.begin(named('relay a'))];
const handingOver = [...relayed, resume('b', true)];
const handingToRelay = [...running, resume('relay b', true)];
const held = [...running, hold];

describe('every event in every state', () => {
  const again = relayed.concat(() => (a = sources.feeding!), resume('relay b', true));
  const isAgain = (): void => sources.resume(a, true);
  const loseFeeding = (): void => sources.feedingLost();

  test.each<[string, (() => void)[], () => void, string[], string]>([
    ['running: resumed', running, resume('c'), ['left', 'a displaced', 'decided'], 'running c, own'],
    ['running: resumed gently', running, resume('c', true), [], 'handing over to c'],
    ['running: held', running, hold, [], 'held, own'],
    ['running: ended', running, end, [], 'held, own'],
    ['relayed: held', relayed, hold, [], 'held'],
    [
      'handing over: resumed',
      handingOver,
      resume('c'),
      ['b displaced', 'left', 'relay a displaced', 'decided'],
      'running c, own',
    ],
    ['handing over: resumed gently', handingOver, resume('c', true), ['b displaced'], 'handing over to c'],
    [
      'handing over: the keyframe',
      handingOver,
      sendKeyframe,
      ['left', 'relay a displaced', 'decided', 'frame 9000'],
      'running b, own',
    ],
    ['handing over: resumed by who feeds it', again, isAgain, ['relay b displaced', 'decided'], 'running relay a'],
    ['handing over: who feeds it is lost', handingOver, loseFeeding, [], 'handing over to b'],
    ['handing over from nobody: held', [...again, loseFeeding], hold, ['decided'], 'held'],
    [
      'handing over from nobody: the keyframe',
      [...handingOver, loseFeeding],
      sendKeyframe,
      ['left', 'decided', 'frame 9000'],
      'running b, own',
    ],
    [
      'handing over from nobody: resumed gently',
      [...again, loseFeeding],
      resume('c', true),
      ['relay b displaced', 'left', 'decided'],
      'running c, own',
    ],
    ['handing over to a client: held', handingOver, hold, ['relay a displaced', 'decided'], 'held'],
    ['handing over to a relay: held', handingToRelay, hold, ['decided'], 'running a, own'],
    ['handing over: ended', handingOver, end, ['relay a displaced'], 'held'],
    ['held: resumed', held, resume('c'), ['left', 'decided'], 'running c, own'],
    ['held: resumed gently', held, resume('relay c', true), ['left', 'decided'], 'running relay c'],
    ['held: held', held, hold, [], 'held, own'],
    ['held: ended', held, end, [], 'held, own'],
  ])('%s', (_name, before, event, noted, after) => {
    for (const each of before) each();
    witness.noted.length = 0;
    event();
    expect(witness.noted).toEqual(noted);
    expect(state()).toBe(after);
  });
});

test.each([
  ['resumed by another', resume('c', true)],
  ['held', hold],
  ['ended', end],
])('a source that waited for its keyframe is not heard after the stream was %s', (_name, event) => {
  for (const each of handingOver) each();
  const { inlet } = sources;
  event();
  witness.noted.length = 0;
  inlet.appendMedia(MessageType.Video, 0, keyframe('k'));
  expect(witness.noted).toEqual([]);
});

describe('a source that continues the stream', () => {
  /** Whether a frame of the source that feeds the stream is sent, and with which timestamp. */
  function sends(sourceTimestamp: number, isKeyframe: boolean): number | undefined {
    const message = { ...frame, sourceTimestamp, timestamp: sources.place(MessageType.Video, sourceTimestamp) };
    if (sources.isContinued && sources.leavesOut(message, isKeyframe ? 2 + 8 : 2)) return undefined;
    sources.sent(message);
    return message.timestamp;
  }
  const frame = { slab: undefined!, start: 0, end: 0, typeId: MessageType.Video, isMetadata: false };

  beforeEach(() => {
    sources.begin(named('a'));
    expect([sends(1_000, false), sends(1_040, true)]).toEqual([1_000, 1_040]);
  });

  test('at once is left out up to its keyframe, which follows what players have', () => {
    sources.resume(named('b'), false);
    expect(sources.isJoining).toBe(true);
    expect([sends(500_000, false), sends(500_040, true), sends(500_080, false)]).toEqual([undefined, 1_073, 1_113]);
    expect(sources.isJoining).toBe(false);
  });

  test('after a handover does so from the keyframe on, and until then the former source does', () => {
    sources.resume(named('b'), true);
    const { inlet } = sources;
    inlet.appendMedia(MessageType.Video, 500_000, interFrame('i'));
    expect(sends(1_080, false)).toBe(1_080);
    inlet.appendMedia(MessageType.Video, 500_040, keyframe('k'));
    expect([sends(500_040, true), sends(500_080, false)]).toEqual([1_113, 1_153]);
  });
});
