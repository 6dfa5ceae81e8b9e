import { describe, expect, test } from '@jest/globals';
import { seed } from '../support/programs/arguments.cjs';
import { type History, type PublisherSeen, type StartSeen, type StopSeen, type Trouble } from './observed-history';
import { judge } from './observed-judge';
import { ObservedRun } from './observed-run';
import { frameOf, frameText, type PlayerSeen, ViewerWatch } from './observed-viewers';

/** Two that follow each other have all kinds of trouble; OBSERVED_SEED=N runs another one. */
const seeds =
  process.env['OBSERVED_SEED'] === undefined ? [2, 3] : [seed('OBSERVED_SEED', process.env['OBSERVED_SEED'])];

test.each(seeds)(
  'what handler, encoders and viewers see of a disturbed fleet keeps the promises, seed %d',
  async (seed) => {
    const history = await ObservedRun.of(seed);
    const faults = judge(history);
    if (faults.length > 0) throw new Error(`${faults.join('\n')}\n${told(history)}`);
    // A run in which nothing happens would prove nothing.
    expect(history.publishers.filter(({ accepted }) => accepted !== undefined).length).toBeGreaterThan(10);
    expect(history.troubles.length).toBeGreaterThan(1);
  },
  120_000,
);

describe('the judge', () => {
  const start: StartSeen = { at: 100, channel: 'ch', publisher: 'a', jti: 'j1', answered: 200, id: 'S1' };
  const publisher: PublisherSeen = { name: 'a', channel: 'ch', node: 0, asked: 50, accepted: 200, ended: 30_000 };
  const stop: StopSeen = { at: 33_000, channel: 'ch', id: 'S1', startJti: 'j1', jti: 's1', taken: true };
  const good: History = {
    ...{ starts: [start], stops: [stop], publishers: [publisher] },
    ...{ players: [], troubles: [], closed: [], left: [] },
  };
  const other: PublisherSeen = { ...publisher, name: 'b', node: 1 };
  const refused: PublisherSeen = {
    ...{ name: 'b', channel: 'ch', node: 1, asked: 60_000, ended: 60_100, refused: 'Stream already publishing' },
  };

  test('finds nothing in a good history', () => {
    expect(judge(good)).toEqual([]);
    expect(judge({ ...good, stops: [{ ...stop, taken: false }, stop] })).toEqual([]);
  });

  test.each<[string, Partial<History>, string]>([
    ['an accepted start without a stop', { stops: [] }, 'no stop of S1 of a'],
    ['a stop that was never taken', { stops: [{ ...stop, taken: false }] }, 'no stop of S1 of a'],
    [
      'an unknown start without a stop',
      { starts: [start, { at: 5, channel: 'ch', publisher: 'c', jti: 'j2', answered: 6, undecided: true }] },
      'no stop of the unknown start j2 of c',
    ],
    ['two stops of an id', { stops: [stop, { ...stop, jti: 's2' }] }, 'two stops of S1'],
    ['a stop by id and one by start', { stops: [stop, { ...stop, id: '', jti: 's2' }] }, 'two stops of S1'],
    ['a stop of a live stream', { stops: [{ ...stop, at: 10_000 }] }, 'stop of S1 at 10000 while a is live'],
    ['a stop of a live start', { stops: [{ ...stop, id: '', at: 10_000 }] }, 'stop of j1 at 10000 while a is live'],
    ['two live publishers', { publishers: [publisher, other] }, 'two live: a and b from 200 to 30000'],
    [
      'a refusal on a free channel',
      { publishers: [publisher, refused] },
      'untrue: b heard "Stream already publishing" on the free ch',
    ],
    ['a channel that stays closed', { closed: ['ch on node 0: busy'] }, 'closed: ch on node 0: busy'],
    ['what is left in Redis', { left: ['life:ch'] }, 'left: life:ch'],
  ])('finds %s', (_what, bad, fault) => {
    expect(judge({ ...good, ...bad })).toEqual([fault]);
  });

  test.each<[string, Partial<History>]>([
    [
      'two live publishers while Redis was away',
      { publishers: [publisher, { ...other, ended: 9_000 }], troubles: [{ kind: 'pause', from: 0, to: 3_000 }] },
    ],
    [
      'a stop of a stream whose node stood still',
      { stops: [{ ...stop, at: 10_000 }], troubles: [{ kind: 'freeze', node: 0, from: 5_000, to: 11_000 }] },
    ],
    ['a stop that Redis has lost', { stops: [], troubles: [{ kind: 'loss', from: 29_000, to: 31_000 }] }],
    [
      'a refusal while another one is asked about',
      { publishers: [publisher, refused], starts: [start, { ...start, publisher: 'c', at: 59_000, answered: 61_000 }] },
    ],
  ])('allows %s', (_what, bad) => {
    expect(judge({ ...good, ...bad })).toEqual([]);
  });
});

describe('the judge of what nothing should have touched', () => {
  const steady: PublisherSeen = { name: 's1', channel: 'm', node: 0, asked: 0, accepted: 100, isSteady: true };
  const player: PlayerSeen = {
    ...{ name: 'v1', channel: 'm', node: 1, asked: 150, accepted: 200, ended: 90_000, wrong: [], silences: [] },
  };
  const start: StartSeen = { at: 50, channel: 'm', publisher: 's1', jti: 'j1', answered: 60, id: 'S1' };
  const stop: StopSeen = { at: 99_000, channel: 'm', id: 'S1', startJti: 'j1', jti: 't1', taken: true };
  const good: History = {
    ...{ starts: [start], stops: [stop], publishers: [{ ...steady, ended: 95_000 }], players: [player] },
    ...{ troubles: [], closed: [], left: [], until: 95_000 },
  };
  const silent = (source?: string): PlayerSeen => ({ ...player, silences: [{ from: 20_000, to: 60_000, source }] });
  const gone: PublisherSeen = { ...steady, ended: 30_000, lost: 'closed by the server' };
  const back: PublisherSeen = { ...steady, name: 's2', asked: 31_000, accepted: 70_000, ended: 95_000 };
  const between = (kind: Trouble['kind'], node?: number, other?: number): Trouble => ({
    ...{ kind, from: 19_000, to: 55_000 },
    ...(node !== undefined && { node }),
    ...(other !== undefined && { other }),
  });

  test('finds nothing in a good history', () => {
    expect(judge(good)).toEqual([]);
  });

  test.each<[string, Partial<History>, RegExp[]]>([
    ['a wrong frame', { players: [{ ...player, wrong: ['s1#3 twice'] }] }, [/^wrong: v1 on node 1 got s1#3 twice/]],
    ['a lost player', { players: [{ ...player, lost: true }] }, [/^lost: player v1/]],
    [
      'a lost player while Redis was down',
      { players: [{ ...player, lost: true, ended: 30_000 }], troubles: [between('loss')] },
      [/^lost: player v1/],
    ],
    [
      'a lost player while another node was down',
      { players: [{ ...player, lost: true, ended: 30_000 }], troubles: [between('kill', 2)] },
      [/^lost: player v1/],
    ],
    ['a stall', { players: [silent('s1')] }, [/^stall: v1 .* had no frame of s1 on node 0 from 20000 to 60000/]],
    [
      'a stall while the handler was down',
      { players: [silent('s1')], troubles: [between('handler-down')] },
      [/^stall/],
    ],
    [
      'a stall while two other nodes were apart',
      { players: [silent('s1')], troubles: [between('split', 1, 2)] },
      [/^stall/],
    ],
    ['a stream that a viewer did not get', { players: [silent('s0')] }, [/^late: v1 of m/]],
    [
      'a publisher that was lost and came back late',
      { publishers: [gone, back] },
      [/^lost: publisher s1/, /^late: m was without publisher after s1 from 30000 to 70000/],
    ],
  ])('finds %s', (_what, bad, faults) => {
    const found = judge({ ...good, ...bad });
    expect(found).toHaveLength(faults.length);
    faults.forEach((fault, i) => expect(found[i]).toMatch(fault));
  });

  test.each<[string, Partial<History>]>([
    [
      'a player lost with its node',
      { players: [{ ...player, lost: true, ended: 30_000 }], troubles: [between('kill', 1)] },
    ],
    ['a stall of a node that stood still', { players: [silent('s1')], troubles: [between('freeze', 0)] }],
    ['a stall between nodes that were apart', { players: [silent('s1')], troubles: [between('split', 1, 0)] }],
    ['a new stream that is not found without Redis', { players: [silent('s0')], troubles: [between('loss')] }],
    [
      'a publisher lost with its node',
      { publishers: [gone, { ...back, accepted: 60_000 }], troubles: [between('kill', 0)] },
    ],
  ])('allows %s', (_what, bad) => {
    expect(judge({ ...good, ...bad })).toEqual([]);
  });

  test('notes frames that come twice, late, or not from a keyframe on', () => {
    const watch = new ViewerWatch('v1', 'm', 0, 0);
    watch.accepted(0);
    const frame = (source: string, sequence: number, timestamp: number, isKeyframe = false): void =>
      watch.frame({ source, sequence, isKeyframe }, timestamp, sequence * 100);
    frame('s1', 0, 0, true);
    frame('s1', 1, 100);
    expect(watch.seen.wrong).toEqual([]);
    frame('s1', 1, 100);
    frame('s1', 3, 300);
    frame('s1', 4, 200);
    frame('s2', 0, 0, true);
    frame('s3', 5, 500);
    watch.end(5_000);
    expect(watch.seen.wrong).toHaveLength(4);
    expect(watch.seen.silences).toEqual([{ from: 500, to: 5_000, source: 's3' }]);
  });

  test('reads the mark of a frame', () => {
    const payload = Buffer.concat([
      Buffer.from([0x17, 1, 0, 0, 0, 0, 0, 0, 9, 0x65]),
      Buffer.from(frameText('s12', 7)),
    ]);
    expect(frameOf(payload)).toEqual({ source: 's12', sequence: 7, isKeyframe: true });
    expect(frameOf(Buffer.from('no mark'))).toBeUndefined();
  });
});

/** The history as lines in order of time, for a failure's text. */
function told({ starts, stops, publishers, troubles }: History): string {
  const lines = [
    ...starts.map((s) => [s.at, `${s.channel} asked ${JSON.stringify(s)}`] as const),
    ...stops.map((s) => [s.at, `${s.channel} stop ${JSON.stringify(s)}`] as const),
    ...publishers.map((p) => [p.asked, `${p.channel} publisher ${JSON.stringify(p)}`] as const),
    ...troubles.map((t) => [t.from, `trouble ${JSON.stringify(t)}`] as const),
  ];
  return lines
    .sort(([a], [b]) => a - b)
    .map(([at, what]) => `${at} ${what}`)
    .join('\n');
}
