import { describe, expect, test } from '@jest/globals';
import { type ChannelLife, EMPTY_LIFE, type Stream } from '../../../service/publishing/channel-life';
import type { LifePart } from '../../../service/publishing/life-events';
import { step } from '../../../service/publishing/step';
import { FleetModel, type FleetSettings, NO_FAULTS } from './simulation/fleet-model';
import { GRACE_MS } from './simulation/model-node';
import type { StepFunction } from './simulation/model-storage';

/** One answer of the model's handler, and messages about it (ms). */
const ONE_ANSWER_MS = 500;

const AWS: FleetSettings = {
  seed: 1,
  nodes: 3,
  policy: { takeover: true, resumes: true },
  rules: { whenBusy: 'takeover', ids: 'fresh', honoursResume: true },
  faults: NO_FAULTS,
};

const WITHOUT_IDS: Partial<FleetSettings> = {
  rules: { whenBusy: 'takeover', ids: 'none', honoursResume: true },
};

interface Finding {
  readonly name: string;
  readonly settings?: Partial<FleetSettings>;
  readonly happens: (fleet: FleetModel) => void;
}

/** Stops that the handler got, as their ids, or for want of one the start's `jti`. */
function stopsOf({ judge }: FleetModel): string[] {
  return judge.delivered.map(({ streamId, startJti }) => streamId || startJti);
}

const FINDINGS: readonly Finding[] = [
  {
    name: 'a second connection that is asked about with resume leaves before the answer: the first stays live',
    happens(fleet) {
      fleet.connect(0);
      fleet.run(ONE_ANSWER_MS);
      fleet.line.planned.push({ answersMs: 3_000 });
      const second = fleet.connect(1);
      fleet.run(1_000);
      fleet.disconnect(second, 'lost');
      fleet.run(5_000);
      expect(stopsOf(fleet)).toEqual([]);
      expect(fleet.handler.active.get('ch')?.streamId).toBe('id-1');
    },
  },
  {
    name: 'the same with an id per channel and no resume',
    settings: {
      policy: { takeover: true, resumes: false },
      rules: { whenBusy: 'takeover', ids: 'stable', honoursResume: true },
    },
    happens(fleet) {
      fleet.connect(0);
      fleet.run(ONE_ANSWER_MS);
      fleet.line.planned.push({ answersMs: 3_000 });
      const second = fleet.connect(1);
      fleet.run(1_000);
      fleet.disconnect(second, 'lost');
      fleet.run(5_000);
      expect(stopsOf(fleet)).toEqual([]);
    },
  },
  {
    name: 'a held id is not stopped when a resuming publisher leaves before the answer',
    happens(fleet) {
      fleet.disconnect(live(fleet, 0), 'lost');
      fleet.run(1_000);
      fleet.line.planned.push({ answersMs: 3_000 });
      const second = fleet.connect(1);
      fleet.run(1_000);
      fleet.disconnect(second, 'lost');
      fleet.run(4_000);
      expect(stopsOf(fleet)).toEqual([]);
      const third = fleet.connect(2);
      fleet.run(ONE_ANSWER_MS);
      expect(third.outcome).toBe('letIn');
      expect(fleet.handler.handed.size).toBe(1);
    },
  },
  {
    name: 'grace that would run out while a resume is out stands still',
    happens(fleet) {
      const first = live(fleet, 0);
      fleet.disconnect(first, 'lost');
      fleet.run(GRACE_MS - 1_000);
      fleet.line.planned.push({ answersMs: 5_000 });
      const second = fleet.connect(1);
      fleet.run(6_000);
      expect(second.outcome).toBe('letIn');
      expect(stopsOf(fleet)).toEqual([]);
    },
  },
  {
    name: 'the start of a publisher that left is settled after its node was killed',
    happens(fleet) {
      fleet.line.planned.push({ answersMs: 8_000 });
      const first = fleet.connect(1);
      fleet.run(1_000);
      fleet.disconnect(first, 'lost');
      fleet.run(1_000);
      fleet.killNode(1);
      fleet.run(15_000);
      expect(stopsOf(fleet)).toEqual(['start-p1']);
    },
  },
  {
    name: 'a start that timed out here but was accepted gets one stop, with its id if the answer comes',
    happens(fleet) {
      fleet.line.planned.push({ answersMs: 20_000 });
      const first = fleet.connect(0);
      fleet.run(12_000);
      expect(first.outcome).toBe('noAnswer');
      fleet.run(12_000);
      expect(stopsOf(fleet)).toEqual(['id-1']);
    },
  },
  {
    name: 'a late answer that continues an id that was stopped gets a stop with that id',
    happens(fleet) {
      fleet.disconnect(live(fleet, 0), 'lost');
      fleet.run(500);
      fleet.line.planned.push({ answersMs: 25_000 });
      fleet.connect(1);
      fleet.run(30_000);
      const ids = fleet.judge.delivered.map(({ streamId, startJti }) => [streamId, startJti]);
      expect(ids).toEqual([
        ['id-1', 'start-p1'],
        ['id-1', 'start-p2'],
      ]);
    },
  },
  {
    name: 'a node killed between the accept and the answer: the channel is free again, also one that rejects',
    settings: { rules: { whenBusy: 'reject', ids: 'fresh', honoursResume: true } },
    happens(fleet) {
      fleet.line.planned.push({ answersMs: 8_000 });
      fleet.connect(1);
      fleet.run(1_000);
      fleet.killNode(1);
      fleet.run(15_000);
      expect(fleet.handler.active.size).toBe(0);
      expect(live(fleet, 0).outcome).toBe('letIn');
    },
  },
  {
    name: 'nobody is asked about while an abandoned start is out',
    happens(fleet) {
      fleet.line.planned.push({ arrivesMs: 4_000 });
      const first = fleet.connect(0);
      fleet.run(1_000);
      fleet.disconnect(first, 'lost');
      const second = fleet.connect(1);
      fleet.run(3_500);
      expect(second.outcome).toBe('letIn');
      expect(fleet.handler.active.get('ch')?.streamId).toBe('id-2');
      expect(stopsOf(fleet)).toEqual(['id-1']);
    },
  },
  {
    name: 'the one before ends while the newcomer is asked about: the newcomer is let in',
    happens(fleet) {
      const first = live(fleet, 0);
      fleet.line.planned.push({ answersMs: 3_000 });
      const second = fleet.connect(1);
      fleet.run(1_000);
      fleet.disconnect(first, 'left');
      fleet.run(3_000);
      expect(second.outcome).toBe('letIn');
      expect(stopsOf(fleet)).toEqual([]);
    },
  },
  {
    name: 'the duration of a stream is counted from its first publisher',
    happens(fleet) {
      fleet.disconnect(live(fleet, 0), 'lost');
      const began = fleet.nodes[0]!.streams.get('ch')!.id.since;
      fleet.run(5_000);
      live(fleet, 1);
      expect(fleet.nodes[1]!.streams.get('ch')!.id.since).toBe(began);
    },
  },
  {
    name: 'a kill while a resume is out ends both with one stop',
    happens(fleet) {
      fleet.disconnect(live(fleet, 0), 'lost');
      fleet.line.planned.push({ answersMs: 3_000 });
      const second = fleet.connect(1);
      fleet.run(1_000);
      fleet.kill();
      fleet.run(100);
      expect(second.outcome).toBe('killed');
      fleet.run(5_000);
      expect(stopsOf(fleet)).toEqual(['id-1']);
    },
  },
  {
    name: 'a block while the handler is asked is told as a block',
    happens(fleet) {
      fleet.line.planned.push({ answersMs: 3_000 });
      const first = fleet.connect(0);
      fleet.run(1_000);
      fleet.block('ch', 2_000);
      fleet.run(100);
      expect(first.outcome).toBe('blocked');
    },
  },
  {
    name: 'two connections are asked about one id one after the other',
    settings: { policy: { takeover: false, resumes: true } },
    happens(fleet) {
      fleet.disconnect(live(fleet, 0), 'lost');
      fleet.line.planned.push({ answersMs: 2_000 });
      const second = fleet.connect(1);
      const third = fleet.connect(2);
      fleet.run(2_500);
      const outcomes = [second.outcome, third.outcome];
      expect(outcomes).toContain('busy');
      expect(stopsOf(fleet)).toEqual([]);
    },
  },
  {
    name: 'connections with a wrong key do not keep the owner waiting for longer than one answer',
    happens(fleet) {
      const strangers = Array.from({ length: 8 }, () => 'stranger');
      expect(strangersThenOwner(fleet, strangers).outcome).toBe('letIn');
    },
  },
  {
    name: 'nor do such connections from many addresses, once the owner has been let in',
    happens(fleet) {
      const before = live(fleet, 1);
      fleet.line.planned.push({ answersMs: 10_000 });
      const next = fleet.connect(2);
      fleet.run(100);
      // With its next start out the channel stays known.
      fleet.disconnect(before, 'left');
      fleet.disconnect(next, 'left');
      fleet.run(100);
      const strangers = Array.from({ length: 8 }, (_, at) => `stranger ${at}`);
      for (const group of strangers) fleet.connect(0, 'ch', { rightKey: false, group });
      const owner = fleet.connect(1);
      fleet.run(11_500);
      expect(owner.outcome).toBe('letIn');
    },
  },
  {
    name: 'the node of a live publisher dies while a resume is out: the stream continues',
    happens(fleet) {
      live(fleet, 1);
      fleet.killNode(1);
      fleet.run(8_000);
      fleet.line.planned.push({ answersMs: 4_000 });
      const second = fleet.connect(0);
      fleet.run(5_000);
      expect(second.outcome).toBe('letIn');
      expect(stopsOf(fleet)).toEqual([]);
    },
  },
];

const OUTAGES: readonly Finding[] = [
  {
    name: 'a stream that a block has ended does not stay in a registry that returned to an earlier state',
    settings: { seed: 0, nodes: 2, policy: { takeover: false, resumes: false } },
    happens(fleet) {
      fleet.run(2_511);
      fleet.connect(1);
      fleet.run(1_414);
      fleet.pauseNode(1, 114);
      fleet.run(3);
      fleet.block('ch', 0);
      fleet.run(105);
      fleet.storage.lose(false);
      fleet.run(71);
      fleet.connect(0);
    },
  },
  {
    name: 'nobody continues a stream that a kill has ended while the node of its next publisher was alone',
    settings: { seed: 237183723, nodes: 2, policy: { takeover: false, resumes: true } },
    happens(fleet) {
      const first = fleet.connect(0);
      fleet.run(75);
      fleet.cutNode(0, 31);
      fleet.run(995);
      fleet.kill();
      fleet.disconnect(first, 'lost');
      const next = fleet.connect(0);
      fleet.connect(0);
      fleet.run(ONE_ANSWER_MS);
      expect(next.outcome).toBe('killed');
    },
  },
  {
    name: 'a node that was stopped when its turn to ask came does not ask with a start that was stopped',
    happens(fleet) {
      const waiting = waitsBehindAnother(fleet);
      fleet.pauseNode(1, 20_000);
      fleet.run(27_000);
      expect(waiting.outcome).toBe('noAnswer');
      expect(stopsOf(fleet)).toContain('start-p2');
    },
  },
  {
    name: 'the same for a node that was cut off',
    happens(fleet) {
      const waiting = waitsBehindAnother(fleet);
      fleet.cutNode(1, 20_000);
      fleet.run(27_000);
      expect(waiting.outcome).toBe('noAnswer');
      expect(stopsOf(fleet)).toContain('start-p2');
    },
  },
  {
    name: 'a stream that is killed while its node is cut off is not live again when the node returns',
    happens(fleet) {
      const first = live(fleet, 1);
      fleet.cutNode(1, 20_000);
      fleet.run(100);
      fleet.kill();
      fleet.run(25_000);
      expect([first.outcome, fleet.storage.life('ch')?.stream]).toEqual(['ended', undefined]);
    },
  },
  {
    name: 'nor is one that another node has continued and ended meanwhile',
    happens(fleet) {
      const first = live(fleet, 1);
      fleet.cutNode(1, 20_000);
      fleet.run(100);
      const second = fleet.connect(0);
      fleet.run(800);
      fleet.disconnect(second, 'left');
      fleet.run(25_000);
      expect([first.outcome, fleet.storage.life('ch')?.stream]).toEqual(['replaced', undefined]);
    },
  },
  {
    name: 'a takeover without the registry: the stop waits until the publisher that was replaced has heard',
    settings: { rules: { whenBusy: 'takeover', ids: 'fresh', honoursResume: false } },
    happens(fleet) {
      const first = live(fleet, 0);
      const second = takesOverAlone(fleet);
      expect([first.ended, second.outcome]).toEqual([undefined, 'letIn']);
      expect(stopsOf(fleet)).toEqual([]);
      fleet.run(12_000);
      expect(first.outcome).toBe('replaced');
      expect(stopsOf(fleet)).toEqual(['id-1']);
    },
  },
  {
    name: 'a publisher that continued a stream without the registry and left: the first one keeps its id',
    happens(fleet) {
      const first = live(fleet, 0);
      const second = takesOverAlone(fleet);
      expect(second.outcome).toBe('letIn');
      fleet.disconnect(second, 'left');
      fleet.run(12_000);
      expect(first.ended).toBeUndefined();
      expect(stopsOf(fleet)).toEqual([]);
      expect(fleet.storage.life('ch')?.stream?.publish).toBe(first.publish);
    },
  },
  {
    name: 'a registry that was frozen does not carry out later what nobody waits for: the live publisher stays',
    happens(fleet) {
      const first = live(fleet, 0);
      fleet.storage.freeze(3_000);
      fleet.run(100);
      const second = fleet.connect(1);
      fleet.run(15_000);
      expect(first.outcome).toBe('letIn');
      expect(first.ended).toBeUndefined();
      expect(second.outcome).toBe('replaced');
      expect(stopsOf(fleet)).toEqual(['id-2']);
    },
  },
  {
    name: 'a live publisher wins over a held one after an outage',
    happens(fleet) {
      const first = live(fleet, 1);
      fleet.disconnect(first, 'lost');
      fleet.run(500);
      fleet.storage.freeze(2_000);
      fleet.run(100);
      const second = fleet.connect(0);
      fleet.run(12_000);
      expect(second.outcome).toBe('letIn');
      expect(second.ended).toBeUndefined();
      expect(stopsOf(fleet)).toEqual(['id-1']);
    },
  },
  {
    name: 'a publisher without a rival stays live when the registry loses everything',
    happens(fleet) {
      const first = live(fleet, 1);
      fleet.storage.lose(true);
      fleet.run(10_000);
      expect(first.ended).toBeUndefined();
      expect(fleet.storage.life('ch')?.stream?.publish).toBe(first.publish);
      expect(stopsOf(fleet)).toEqual([]);
    },
  },
  {
    name: 'a stream of a node that was taken for dead is not live again after its stop',
    happens(fleet) {
      live(fleet, 1);
      fleet.cutNode(1, 20_000);
      fleet.run(40_000);
      expect(fleet.storage.life('ch')?.stream).toBeUndefined();
      expect(stopsOf(fleet)).toEqual(['id-1']);
      expect(live(fleet, 0).outcome).toBe('letIn');
    },
  },
  {
    name: 'a stream that has ended does not come back with an earlier state of the registry',
    happens(fleet) {
      const first = live(fleet, 1);
      fleet.run(4_200);
      fleet.disconnect(first, 'left');
      fleet.run(500);
      fleet.storage.lose(false);
      expect(fleet.storage.life('ch')?.stream).toBeDefined();
      fleet.run(10_000);
      expect(fleet.storage.life('ch')?.stream).toBeUndefined();
      expect(live(fleet, 0).outcome).toBe('letIn');
    },
  },
  {
    name: 'a publisher that took over keeps its channel when the registry loses everything',
    happens(fleet) {
      live(fleet, 1);
      const second = live(fleet, 1);
      expect(fleet.storage.life('ch')?.stream?.keeps).toBe(true);
      fleet.storage.lose(true);
      fleet.run(10_000);
      expect(live(fleet, 0).outcome).toBe('busy');
      expect(second.ended).toBeUndefined();
    },
  },
  {
    name: 'a node that returns before it is buried keeps what it has',
    settings: { seed: 0, nodes: 2, policy: { takeover: false, resumes: true } },
    happens(fleet) {
      fleet.connect(1);
      fleet.run(241);
      fleet.cutNode(1, 9_776);
      fleet.pauseNode(0, 9_760);
      fleet.run(11_678);
      fleet.connect(0);
    },
  },
  {
    name: 'a command that meets an earlier state of the registry leaves nothing behind',
    settings: { seed: 0, policy: { takeover: false, resumes: false } },
    happens(fleet) {
      fleet.run(436);
      const first = fleet.connect(0);
      fleet.run(9_314);
      fleet.disconnect(first, 'left');
      const second = fleet.connect(1);
      fleet.run(180);
      fleet.storage.lose(true);
      fleet.run(118);
      fleet.storage.lose(false);
      fleet.block('ch', 0);
      fleet.run(32);
      fleet.disconnect(second, 'left');
      fleet.disconnect(fleet.connect(0), 'left');
      fleet.connect(2);
    },
  },
  {
    name: 'a start that would continue a stream which is blocked is refused',
    settings: { nodes: 1 },
    happens(fleet) {
      fleet.block('ch', 60_000);
      fleet.run(500);
      fleet.cutNode(0, 5_000);
      const first = live(fleet, 0);
      fleet.run(2_000);
      expect(first.outcome).toBe('letIn');
      fleet.disconnect(first, 'lost');
      fleet.line.planned.push({ answersMs: 6_000 });
      const second = fleet.connect(0);
      fleet.run(10_000);
      expect(second.outcome).toBe('blocked');
      expect(stopsOf(fleet)).toEqual(['id-1']);
    },
  },
  {
    name: 'a handler without ids has heard a stop of which the registry does not know: the start after it gets one too',
    settings: WITHOUT_IDS,
    happens(fleet) {
      // Nobody is buried for a while.
      fleet.storage.freeze(1);
      const first = live(fleet, 1);
      fleet.disconnect(first, 'lost');
      fleet.run(100);
      fleet.cutNode(1, 13_000);
      fleet.run(12_000);
      expect(stopsOf(fleet)).toEqual(['start-p1']);
      leaveWhileAsked(fleet, 0);
    },
  },
  {
    name: 'a handler without ids knows one of two publishers in an outage: the next start gets a stop too',
    settings: WITHOUT_IDS,
    happens(fleet) {
      fleet.storage.freeze(6_000);
      const first = fleet.connect(0);
      fleet.run(30);
      fleet.connect(1);
      fleet.run(15_000);
      expect(fleet.storage.life('ch')?.stream?.publish).toBe(first.publish);
      expect(stopsOf(fleet)).toEqual(['start-p2']);
      fleet.disconnect(first, 'lost');
      fleet.run(500);
      leaveWhileAsked(fleet, 0);
    },
  },
  {
    name: 'a handler without ids was asked by a node that was alone: the next start of another node gets a stop too',
    settings: WITHOUT_IDS,
    happens(fleet) {
      const first = live(fleet, 1);
      fleet.cutNode(0, 5_000);
      const second = fleet.connect(0);
      fleet.run(2_000);
      fleet.disconnect(second, 'left');
      fleet.run(8_000);
      expect(stopsOf(fleet)).toEqual(['start-p2']);
      fleet.disconnect(first, 'lost');
      fleet.run(500);
      leaveWhileAsked(fleet, 1);
    },
  },
  {
    name: 'a handler without ids has heard a stop while the registry lost its data: the start after it gets one too',
    settings: { ...WITHOUT_IDS, policy: { takeover: false, resumes: true } },
    happens(fleet) {
      const first = live(fleet, 0);
      fleet.storage.lose(true);
      fleet.line.planned.push({ answersMs: 1_000 });
      const second = fleet.connect(1);
      fleet.run(200);
      fleet.disconnect(second, 'left');
      fleet.disconnect(first, 'lost');
      fleet.run(5_000);
      expect(stopsOf(fleet)).toEqual(['start-p2']);
      leaveWhileAsked(fleet, 0);
    },
  },
  {
    name: 'a stream that is resumed while the registry has lost it has its stop with the first start',
    happens(fleet) {
      const first = live(fleet, 1);
      fleet.run(1_400);
      fleet.line.planned.push({ answersMs: 200 });
      fleet.disconnect(first, 'lost');
      const second = fleet.connect(0);
      fleet.run(150);
      expect(fleet.storage.life('ch')?.out?.publish).toBe(second.publish);
      fleet.storage.lose(true);
      fleet.run(10_000);
      expect(fleet.storage.life('ch')?.stream?.id).toMatchObject({ streamId: 'id-1', startJti: 'start-p1' });
    },
  },
  {
    name: 'a handler with one id for each channel was asked about a stream that has ended: the start gets a stop',
    settings: {
      policy: { takeover: true, resumes: false },
      rules: { whenBusy: 'takeover', ids: 'stable', honoursResume: true },
    },
    happens(fleet) {
      live(fleet, 1);
      fleet.run(4_000);
      fleet.block('ch', 0);
      fleet.run(200);
      fleet.storage.lose(false);
      const second = fleet.connect(0);
      fleet.run(30);
      fleet.disconnect(second, 'left');
      fleet.run(10_000);
      expect(fleet.judge.delivered.map(({ startJti }) => startJti)).toEqual(['start-p1', 'start-p2']);
    },
  },
  {
    name: 'a node without the registry asked about a stream that others have ended: the start gets a stop',
    settings: WITHOUT_IDS,
    happens(fleet) {
      const first = live(fleet, 1);
      fleet.cutNode(1, 4_000);
      fleet.run(100);
      fleet.kill();
      fleet.run(500);
      expect(stopsOf(fleet)).toEqual(['start-p1']);
      fleet.disconnect(first, 'lost');
      fleet.line.planned.push({ answersMs: 500 });
      const second = fleet.connect(1);
      fleet.run(1_300);
      fleet.disconnect(second, 'left');
      fleet.run(6_000);
      expect(stopsOf(fleet)).toEqual(['start-p1', 'start-p2']);
    },
  },
  {
    name: 'a publisher that was cut off with its node left before it could continue a stream: its start gets a stop',
    settings: WITHOUT_IDS,
    happens(fleet) {
      const first = live(fleet, 1);
      fleet.line.planned.push({ answersMs: 2_000 });
      const second = fleet.connect(0);
      fleet.run(300);
      fleet.cutNode(0, 4_000);
      fleet.run(100);
      fleet.disconnect(second, 'left');
      fleet.run(1_000);
      fleet.disconnect(first, 'left');
      fleet.run(8_000);
      expect(stopsOf(fleet)).toEqual(['start-p1', 'start-p2']);
    },
  },
  {
    name: 'two publishers had one id, and the one that stayed had left already: both starts get a stop',
    settings: {
      policy: { takeover: false, resumes: false },
      rules: { whenBusy: 'takeover', ids: 'stable', honoursResume: true },
    },
    happens(fleet) {
      const first = live(fleet, 1);
      fleet.cutNode(0, 3_000);
      fleet.cutNode(1, 9_500);
      const second = fleet.connect(0);
      fleet.disconnect(first, 'left');
      fleet.run(9_000);
      expect(second.outcome).toBe('replaced');
      fleet.run(8_000);
      expect(fleet.judge.delivered.map(({ startJti }) => startJti)).toEqual(['start-p1', 'start-p2']);
    },
  },
  {
    name: 'two streams end while one start is out: both get a stop',
    happens(fleet) {
      const first = live(fleet, 1);
      fleet.cutNode(2, 3_000);
      const second = fleet.connect(2);
      fleet.run(2_000);
      fleet.line.planned.push({ answersMs: 6_000 });
      fleet.connect(0);
      fleet.run(200);
      fleet.disconnect(first, 'left');
      fleet.run(3_500);
      fleet.disconnect(second, 'left');
      fleet.run(10_000);
      expect(stopsOf(fleet)).toEqual(expect.arrayContaining(['id-1', 'id-2']));
    },
  },
];

/** A publisher that may continue the channel's stream leaves before the handler answers. */
function leaveWhileAsked(fleet: FleetModel, node: number): void {
  fleet.line.planned.push({ answersMs: 500 });
  const publisher = fleet.connect(node);
  fleet.run(200);
  fleet.disconnect(publisher, 'left');
  fleet.run(5_000);
}

/** On node 1 a publisher waits while the handler is asked about one of node 0. */
function waitsBehindAnother(fleet: FleetModel): ReturnType<FleetModel['connect']> {
  fleet.line.planned.push({ answersMs: 3_000 });
  fleet.connect(0);
  fleet.run(500);
  const waiting = fleet.connect(1);
  fleet.run(500);
  return waiting;
}

/** On node 1, that gets its answer while the registry is away. */
function takesOverAlone(fleet: FleetModel): ReturnType<FleetModel['connect']> {
  fleet.line.planned.push({ answersMs: 1_500 });
  const second = fleet.connect(1);
  fleet.run(500);
  fleet.storage.freeze(5_000);
  fleet.run(4_000);
  return second;
}

/** Each of these connections costs the owner one answer, or none of them does. */
function strangersThenOwner(fleet: FleetModel, groups: readonly string[]): ReturnType<FleetModel['connect']> {
  for (const group of groups) {
    fleet.line.planned.push({ answersMs: 1_000 });
    fleet.connect(0, 'ch', { rightKey: false, group });
  }
  fleet.run(500);
  const owner = fleet.connect(1);
  fleet.run(2_200);
  return owner;
}

function live(fleet: FleetModel, node: number): ReturnType<FleetModel['connect']> {
  const publisher = fleet.connect(node);
  fleet.run(ONE_ANSWER_MS);
  return publisher;
}

describe('the life of publishes', () => {
  test.each(FINDINGS)('$name', ({ settings, happens }) => {
    const fleet = new FleetModel({ ...AWS, ...settings }, step);
    happens(fleet);
    fleet.finish();
    expect(fleet.judge.faults).toEqual([]);
  });
});

describe('after an outage of the registry', () => {
  test.each(OUTAGES)('$name', ({ settings, happens }) => {
    const fleet = new FleetModel({ ...AWS, ...settings }, step);
    happens(fleet);
    fleet.finish();
    expect(fleet.judge.faults).toEqual([]);
  });

  const mutations: Readonly<Record<string, [name: string, mutation: StepFunction]>> = {
    'held streams win': [
      'a live publisher wins over a held one after an outage',
      (life, event, policy) => {
        const { stream } = life;
        const isHeld = event.kind === 'asserted' && stream?.state === 'held';
        return step(isHeld ? { ...life, stream: { ...stream, state: 'live' } } : life, event, policy);
      },
    ],
    'it is forgotten what was claimed': [
      'a stream of a node that was taken for dead is not live again after its stop',
      (life, event, policy) => step(event.kind === 'asserted' ? { ...life, claimed: [] } : life, event, policy),
    ],
    'what a node says replaces nothing': [
      'a stream that has ended does not come back with an earlier state of the registry',
      (life, event, policy) => (event.kind === 'asserted' ? { life, effects: [] } : step(life, event, policy)),
    ],
  };
  test.each(Object.keys(mutations))('a schedule finds out when %s', (which) => {
    const [name, mutation] = mutations[which]!;
    const { settings, happens } = OUTAGES.find((finding) => finding.name === name)!;
    const fleet = new FleetModel({ ...AWS, ...settings }, mutation);
    expect(() => {
      happens(fleet);
      fleet.finish();
      expect(fleet.judge.faults).toEqual([]);
    }).toThrow();
  });
});

test('the schedule with connections of a wrong key finds out when turns do not go by address', () => {
  const unfair: StepFunction = (life, event, policy) =>
    step(life, event.kind === 'come' ? { ...event, candidate: { ...event.candidate, group: 'all' } } : event, policy);
  const fleet = new FleetModel(AWS, unfair);
  expect(strangersThenOwner(fleet, ['stranger', 'stranger', 'stranger', 'stranger']).outcome).toBeUndefined();
});

test('of one id with two records, the stop stays the one that the node knows which serves it', () => {
  const serving = streamOf('serving', 'live', 2_000);
  const held = streamOf('held', 'held', 1_000);
  const part = { stream: held, late: [], waiting: [] };
  const life = { ...EMPTY_LIFE, stream: serving };
  const { life: next } = step(life, { kind: 'asserted', node: held.node, part, now: 3_000 }, AWS.policy);
  expect(next.stream).toMatchObject({ publish: 'serving', id: { stopJti: 'serving', since: 1_000 } });
});

describe('orders about the outputs of one id with two records', () => {
  const orders = 'orders of the other';
  const ordered = (stream: Stream, text = orders): Stream => ({ ...stream, id: { ...stream.id, orders: text } });
  const serving = streamOf('serving', 'live', 2_000);
  const held = streamOf('held', 'held', 1_000);
  const assert = (life: ChannelLife, part: Partial<LifePart>, node: string): ChannelLife =>
    step(life, { kind: 'asserted', node, part: { late: [], waiting: [], ...part }, now: 3_000 }, AWS.policy).life;
  const kept = ({ stream, out }: ChannelLife): string | undefined => (stream?.id ?? out?.inherited)?.orders;

  test('those that only the other node has are kept, whichever asserts', () => {
    expect(kept(assert({ ...EMPTY_LIFE, stream: serving }, { stream: ordered(held) }, held.node))).toBe(orders);
    expect(kept(assert({ ...EMPTY_LIFE, stream: ordered(held) }, { stream: serving }, serving.node))).toBe(orders);
  });

  test('of two, those are kept that are carried out', () => {
    const stream = ordered(serving, 'carried out');
    expect(kept(assert({ ...EMPTY_LIFE, stream: ordered(held) }, { stream }, stream.node))).toBe('carried out');
  });

  test('those are kept that a node has got from another one without hearing of it', () => {
    expect(kept(assert({ ...EMPTY_LIFE, stream: ordered(serving) }, { stream: serving }, serving.node))).toBe(orders);
  });

  test('those of a stream before, with the same id, are not those of the next one', () => {
    const next = { ...streamOf('next', 'live', 2_500), node: serving.node };
    expect(kept(assert({ ...EMPTY_LIFE, stream: ordered(serving) }, { stream: next }, next.node))).toBeUndefined();
  });

  test('those of a stream that has ended while a start is out are inherited with the id', () => {
    const candidate = { publish: 'p', node: 'n', startJti: 's', about: '', keyHash: 'right', group: 'g', round: 0 };
    const out = { ...candidate, abandoned: false, closed: [], inherited: ordered(held).id };
    const { life } = step({ ...EMPTY_LIFE, stream: serving, out }, { kind: 'left', publish: 'serving' }, AWS.policy);
    expect(kept(life)).toBe(orders);
  });
});

function streamOf(publish: string, state: Stream['state'], since: number): Stream {
  const id = { streamId: 'id-of-ch', startJti: `start-${publish}`, stopJti: publish, about: '', since };
  const node = `node-of-${publish}`;
  return { publish, node, keyHash: 'right', state, id, keeps: false, leaving: false, playKeyHash: '' };
}
