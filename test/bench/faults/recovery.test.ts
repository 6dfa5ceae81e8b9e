import { expect, test } from '@jest/globals';
import { emptyHistory, type History, type PublisherSeen, type Trouble } from '../../fleet/observed-history';
import type { PlayerSeen } from '../../fleet/observed-viewers';
import { type Probe, recoveryOf } from './recovery';

const trouble: Trouble = { kind: 'kill', node: 0, from: 10_000, to: 15_000 };
const publisher: PublisherSeen = { name: 's1', channel: 'm', node: 0, asked: 0, accepted: 100, isSteady: true };
const player: PlayerSeen = { name: 'v', channel: 'm', node: 1, asked: 0, wrong: [], silences: [] };
const probe = (node: number, at: number, isGood: boolean): Probe => ({ node, at, until: at + 100, isGood });

test('says how long each publisher, each player and each node was away', () => {
  const history: History = {
    ...emptyHistory({ starts: [], stops: [] }),
    publishers: [
      { ...publisher, ended: 10_200, lost: 'closed' },
      { ...publisher, name: 's2', node: 1, asked: 11_000, accepted: 11_700 },
      { ...publisher, name: 'p1', channel: 'ch', isSteady: false, ended: 10_500 },
    ],
    players: [
      { ...player, firstFrame: 300, lastFrame: 10_100, ended: 10_200, lost: true },
      { ...player, firstFrame: 12_100, lastFrame: 30_000, silences: [{ from: 13_000, to: 14_500, source: 's2' }] },
    ],
  };
  const probes = {
    ready: [probe(0, 9_000, true), probe(0, 11_000, false), probe(0, 15_400, true), probe(1, 15_100, true)],
    newcomers: [probe(0, 12_000, false), probe(1, 15_000, true), probe(0, 15_500, false), probe(0, 16_500, true)],
  };
  expect(recoveryOf(history, probes, trouble, 25_000)).toEqual({
    ...{ trouble, publishers: [1.5], players: [2, 1.5], newcomersRefused: 2, newcomersAfter: 1.6 },
    ...{ wasUnready: true, readyAfter: 0.5 },
  });
});

test('says that nobody was touched', () => {
  const history: History = {
    ...emptyHistory({ starts: [], stops: [] }),
    publishers: [publisher],
    players: [{ ...player, firstFrame: 300, lastFrame: 30_000 }],
  };
  const probes = { ready: [probe(0, 11_000, true)], newcomers: [probe(0, 11_000, true), probe(0, 15_000, true)] };
  expect(recoveryOf(history, probes, trouble, 25_000)).toMatchObject({
    ...{ publishers: [], players: [], newcomersRefused: 0, wasUnready: false, readyAfter: 0 },
  });
});
