import fc from 'fast-check';
import type { FleetSettings } from './fleet-model';
import { FleetModel } from './fleet-model';
import type { Publisher } from './model-node';
import type { StepFunction } from './model-storage';

const CHANNELS = ['ch', 'other'] as const;
const SLOTS = 6;

/** Something that happens `afterMs` after the one before. */
export interface Happening {
  readonly afterMs: number;
  readonly what:
    | 'connect'
    | 'leave'
    | 'lose'
    | 'kill'
    | 'close'
    | 'block'
    | 'unblock'
    | 'die'
    | 'pause'
    | 'drain'
    | 'jump'
    /** The registry does not answer. */
    | 'freeze'
    /** It does not answer one node. */
    | 'cut'
    /** It restarts, with an earlier state or with none. */
    | 'revert'
    | 'forget';
  /** An encoder: each has its key, its address and its channel. */
  readonly slot: number;
  readonly node: number;
  readonly forMs: number;
}

export interface Schedule {
  readonly settings: FleetSettings;
  readonly happenings: readonly Happening[];
}

const chance = (most: number): fc.Arbitrary<number> => fc.constantFrom(0, most / 3, most);

const settings: fc.Arbitrary<FleetSettings> = fc.record({
  seed: fc.nat(),
  nodes: fc.constantFrom(1, 2, 3),
  policy: fc.record({ takeover: fc.boolean(), resumes: fc.boolean() }),
  rules: fc.record({
    whenBusy: fc.constantFrom('takeover' as const, 'reject' as const),
    ids: fc.constantFrom('fresh' as const, 'fresh' as const, 'stable' as const, 'none' as const),
    honoursResume: fc.constantFrom(true, true, false),
  }),
  faults: fc.record({
    questionLost: chance(0.15),
    answerLost: chance(0.2),
    slow: chance(0.2),
    repeated: chance(0.1),
    stopLost: chance(0.3),
  }),
});

const happening = (outages: boolean): fc.Arbitrary<Happening> =>
  fc.record({
    afterMs: fc.oneof(
      fc.integer({ min: 0, max: 120 }),
      fc.integer({ min: 0, max: 2_000 }),
      fc.integer({ min: 0, max: 15_000 }),
    ),
    what: fc.constantFrom(
      ...(['connect', 'connect', 'connect', 'connect', 'leave', 'leave', 'lose', 'lose', 'lose'] as const),
      ...(['kill', 'close', 'block', 'unblock', 'die', 'pause', 'pause', 'drain', 'jump'] as const),
      ...(outages ? (['freeze', 'cut', 'revert', 'forget'] as const) : []),
    ),
    slot: fc.nat({ max: SLOTS - 1 }),
    node: fc.nat({ max: 2 }),
    forMs: fc.integer({ min: 0, max: 25_000 }),
  });

/** In half of them the registry has outages. */
export const schedules: fc.Arbitrary<Schedule> = fc
  .boolean()
  .chain((outages) =>
    fc.record({ settings, happenings: fc.array(happening(outages), { minLength: 2, maxLength: 24 }) }),
  )
  .map(({ settings: drawn, happenings }) => {
    // Without unique ids a continued stream cannot be told from a new one.
    const honoursResume = drawn.rules.ids !== 'fresh' || drawn.rules.honoursResume;
    return { settings: { ...drawn, rules: { ...drawn.rules, honoursResume } }, happenings };
  });

/** Runs a schedule to its end; what the judge objects to. */
export function runSchedule({ settings: chosen, happenings }: Schedule, step: StepFunction): FleetModel {
  const fleet = new FleetModel(chosen, step);
  const slots: (Publisher | undefined)[] = [];
  for (const event of happenings) {
    fleet.run(event.afterMs);
    happen(fleet, slots, event);
    if (fleet.judge.faults.length > 0) return fleet;
  }
  fleet.finish(CHANNELS);
  return fleet;
}

function happen(fleet: FleetModel, slots: (Publisher | undefined)[], { what, slot, node, forMs }: Happening): void {
  // Four encoders have the right key of the first channel, one has a wrong one, and one is on another channel.
  const channel = slot === 5 ? 'other' : 'ch';
  const current = slots[slot];
  switch (what) {
    case 'connect':
      // Its former connection may still look alive to the server.
      if (current !== undefined && forMs < 12_500) fleet.disconnect(current, forMs < 6_000 ? 'left' : 'lost');
      slots[slot] = fleet.connect(node, channel, { rightKey: slot !== 4, group: slot === 4 ? 'stranger' : 'owner' });
      return;
    case 'leave':
    case 'lose':
      if (current !== undefined) fleet.disconnect(current, what === 'leave' ? 'left' : 'lost');
      return;
    case 'kill':
      fleet.kill(channel);
      return;
    case 'close':
      fleet.close(channel);
      return;
    case 'block':
      fleet.block(channel, forMs);
      return;
    case 'unblock':
      fleet.unblock(channel);
      return;
    case 'die':
      fleet.killNode(node);
      return;
    case 'pause':
      fleet.pauseNode(node, forMs);
      return;
    case 'drain':
      fleet.nodes[node]?.drain();
      return;
    case 'freeze':
      fleet.storage.freeze(forMs);
      return;
    case 'cut':
      fleet.cutNode(node, forMs);
      return;
    case 'revert':
    case 'forget':
      fleet.storage.lose(what === 'forget');
      return;
    case 'jump':
      if (fleet.nodes[node]) fleet.nodes[node].clockError = (forMs / 25_000 - 0.5) * 3_000;
  }
}
