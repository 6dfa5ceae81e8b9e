import { expect, test } from '@jest/globals';
import { FleetModel, totalsOf } from '../../../service/console/data/fleet-model';
import { type ListFilter, listStreams, orderAfterClick } from '../../../service/console/data/stream-list';
import { StandInFleet } from '../stand-in-fleet';

const all: ListFilter = { search: '', health: undefined, node: undefined };
const byChannel = { column: 'channel', descending: false } as const;
const fleet = new StandInFleet(200);
const model = new FleetModel();
model.replaceStreams(fleet.page(false));
const list = (filter: Partial<ListFilter>, order: Parameters<typeof listStreams>[2] = byChannel) =>
  listStreams(model.rows.values(), { ...all, ...filter }, order).map(({ stream }) => stream);

test('channels are in the order of people: 9 before 10', () => {
  const cams = list({ search: 'cam-' }).map(({ channel }) => channel);
  expect(cams.slice(0, 11)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((number) => `cam-${number}`));
});

test('every word of the search has to occur: in channel, id, address, encoder or node', () => {
  const [one] = list({ search: 'cam-7' });
  expect(list({ search: `CAM-7 ${one!.client.address}` }).map(({ channel }) => channel)).toEqual(['cam-7']);
  expect(list({ search: 'cam-7 nowhere' })).toEqual([]);
  expect(list({ search: one!.streamId })[0]).toBe(one);
  expect(list({ search: 'larix' }).every(({ client }) => client.encoder.startsWith('Larix'))).toBe(true);
});

test('filters leave streams of one health or node', () => {
  expect(new Set(list({ health: 'bad' }).map(({ health }) => health.state))).toEqual(new Set(['bad']));
  const { id } = fleet.nodes[1]!;
  expect(new Set(list({ node: id }).map(({ node }) => node))).toEqual(new Set([id]));
});

test('the worst health comes first, and equal ones are ordered by channel', () => {
  const states = list({}, { column: 'health', descending: false }).map(({ health }) => health.state);
  expect(states[0]).toBe('bad');
  expect(states.at(-1)).toBe('good');
  const channels = list({ health: 'bad' }, { column: 'health', descending: true }).map(({ channel }) => channel);
  expect(channels).toEqual(list({ health: 'bad' }).map(({ channel }) => channel));
});

test('a figure is ordered by value, in both directions', () => {
  const players = list({}, { column: 'players', descending: true }).map((stream) => stream.players);
  expect(players).toEqual([...players].sort((a, b) => b - a));
});

test('a click on a head sorts by it, and another one turns the order round', () => {
  const first = orderAfterClick(byChannel, 'bitrate');
  expect(first).toEqual({ column: 'bitrate', descending: true });
  expect(orderAfterClick(first, 'bitrate')).toEqual({ column: 'bitrate', descending: false });
  expect(orderAfterClick(first, 'node')).toEqual({ column: 'node', descending: false });
});

test('totals are those of all streams', () => {
  const { streams, players, byHealth } = totalsOf(model.rows.values());
  expect(streams).toBe(200);
  expect(players).toBe(list({}).reduce((sum, stream) => sum + stream.players, 0));
  expect(Object.values(byHealth).reduce((sum, count) => sum + count, 0)).toBe(200);
});
