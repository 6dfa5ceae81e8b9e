import { expect, test } from '@jest/globals';
import { FleetModel } from '../../../service/console/data/fleet-model';
import { StandInFleet } from '../stand-in-fleet';

function filled(streams = 10): { fleet: StandInFleet; model: FleetModel } {
  const fleet = new StandInFleet(streams);
  const model = new FleetModel();
  model.replaceStreams(fleet.page(false));
  return { fleet, model };
}

test('figures change what is shown and extend the sparkline', () => {
  const { fleet, model } = filled();
  const figures = fleet.figures();
  expect(model.applyFigures(figures)).toEqual([]);
  const row = model.rows.get('cam-1')!;
  const own = figures.streams.find(({ channel }) => channel === 'cam-1')!;
  expect(row.stream.bitrateKbps).toBe(own.bitrateKbps);
  expect(row.bitrates.size).toBe(1);
});

test('a start that differs by milliseconds is the same stream, whose sparkline continues; another start is another one', () => {
  const { fleet, model } = filled();
  model.applyFigures(fleet.figures());
  const stream = fleet.streams.get('cam-1')!;
  const later = (ms: number): string => new Date(Date.parse(stream.since) + ms).toISOString();
  model.putStream({ ...stream, since: later(3) });
  expect(model.rows.get('cam-1')!.bitrates.size).toBe(1);
  model.putStream({ ...stream, since: later(60_000) });
  expect(model.rows.get('cam-1')!.bitrates.size).toBe(0);
});

test('a stream that only figures know is to be asked for', () => {
  const { fleet, model } = filled();
  const { channel } = fleet.add(10);
  expect(model.applyFigures(fleet.figures())).toEqual([channel]);
});

test('a stream that is missing from figures twice has ended, unless its node did not answer', () => {
  const { fleet, model } = filled();
  const lost = fleet.streams.get('cam-1')!;
  fleet.streams.delete('cam-1');
  model.applyFigures(fleet.figures());
  expect(model.rows.has('cam-1')).toBe(true);
  model.applyFigures({ ...fleet.figures(), unanswered: [{ node: lost.node, reason: 'no answer' }] });
  expect(model.rows.has('cam-1')).toBe(true);
  expect(model.unanswered).toEqual([lost.node]);
  model.applyFigures(fleet.figures());
  expect(model.rows.has('cam-1')).toBe(false);
});

test('the end of a stream takes it away, the end of an earlier one of the channel does not', () => {
  const { fleet, model } = filled();
  const { streamId, node } = fleet.streams.get('cam-1')!;
  const end = { type: 'stream.ended', channel: 'cam-1', node, code: 'stopped', reason: '', seconds: 1 } as const;
  expect(model.applyEvent(fleet.note({ ...end, streamId: 'an earlier one' }))).toBeUndefined();
  expect(model.rows.has('cam-1')).toBe(true);
  model.applyEvent({ ...fleet.note({ ...end, streamId }), node });
  expect(model.rows.has('cam-1')).toBe(false);
});

test('refusals of one client are one entry, the newest first', () => {
  const { fleet, model } = filled();
  model.refusals = fleet.refusals;
  const again = { type: 'publish.refused', channel: 'arena-2', address: '198.51.100.24', encoder: '' } as const;
  const words = {
    code: 'busy',
    reason: 'busy',
    count: 2,
    firstAt: new Date(0).toISOString(),
    sentence: 'twice',
  } as const;
  model.applyEvent(fleet.note({ ...again, ...words }));
  expect(model.refusals.map(({ channel, count }) => [channel, count])).toEqual([
    ['arena-2', 2],
    ['news-main', 14],
    ['party', 3],
  ]);
});

test('a new health comes with its issues, and a started stream is asked for', () => {
  const { fleet, model } = filled();
  const issue = { code: 'gap', severity: 'error', sentence: 'A gap.', since: new Date(0).toISOString() } as const;
  const health = { state: 'bad', issues: [issue] } as const;
  model.applyEvent(
    fleet.note({ type: 'stream.health', channel: 'cam-1', streamId: '', health: { ...health, issues: [issue] } }),
  );
  expect(model.rows.get('cam-1')!.stream.health).toEqual(health);
  const client = { address: '192.0.2.1', encoder: '' };
  const accepted = fleet.note({ type: 'publish.accepted', channel: 'new', ...client, streamId: '', resumed: false });
  expect(model.applyEvent(accepted)).toBe('new');
});
