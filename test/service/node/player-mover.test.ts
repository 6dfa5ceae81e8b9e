import { describe, expect, jest, test } from '@jest/globals';
import type { LifeStore, NodeAddress } from '../../../service/leases/life-store';
import type { Hub } from '../../../service/hub/hub';
import { openGate } from '../../../service/net/gate/connection-gate';
import type { ConnectionIntake } from '../../../service/net/connection-intake';
import type { MovableSession, Opening } from '../../../service/session/opening';
import { PlayerMover, type WorkerLineListener } from '../../../service/node/player-mover';

const DEPARTURE = { clientIp: '192.0.2.7', said: Buffer.from('all of it'), answeredBytes: 3_500 };
const HANDLE = {};

/** A mover among stand-ins for what it uses: a store that knows one owner, and a line to the other workers. */
class Surroundings {
  nowMs = 0;
  /** Who has the stream; undefined: nobody. */
  owner: string | undefined = 'worker-2';
  draining = false;
  storeAnswers = true;
  lineWorks = true;
  viewersHere = 0;
  readonly passed: unknown[] = [];
  readonly crowdedTold: string[] = [];
  listener!: WorkerLineListener;
  readonly mover: PlayerMover;

  constructor(selfId = 'worker-1') {
    const store = {
      self: { id: selfId },
      locate: () => {
        if (!this.storeAnswers) return new Promise(() => {});
        const owner = { id: this.owner, draining: this.draining } as NodeAddress;
        return Promise.resolve(this.owner === undefined ? undefined : { owner });
      },
    } as unknown as LifeStore;
    this.mover = new PlayerMover({
      store,
      line: {
        self: { id: 'worker-1' },
        listen: (listener) => (this.listener = listener),
        pass: (...args) => {
          this.passed.push(args);
          return this.lineWorks;
        },
        tellCrowded: (to, channel) => void this.crowdedTold.push(`${to} ${channel}`),
      },
      hub: { find: () => ({ viewerCount: this.viewersHere }) } as unknown as Hub,
      now: () => this.nowMs,
    });
    this.mover.receive({ gate: openGate(), intake: { takeOver: () => undefined } as unknown as ConnectionIntake });
  }

  /** A viewer plays `channel`; returns whether it was moved. */
  async play(opening: Partial<Opening> = {}): Promise<boolean> {
    const before = this.passed.length;
    const transport = { detach: () => Promise.resolve(HANDLE) };
    const viewer = { opening: { canMove: true, depart: () => DEPARTURE, ...opening }, transport };
    await this.mover.move(viewer as unknown as MovableSession, 'channel');
    return this.passed.length > before;
  }
}

describe('a viewer', () => {
  test('is moved to the worker that has its stream', async () => {
    const around = new Surroundings();
    expect(await around.play()).toBe(true);
    expect(around.passed).toEqual([['worker-2', { channel: 'channel', departure: DEPARTURE }, HANDLE]]);
  });

  test('is moved within its machine when that is one of a fleet', async () => {
    const around = new Surroundings('node-7.worker-1');
    around.owner = 'node-7.worker-2';
    expect(await around.play()).toBe(true);
    around.owner = 'node-8.worker-2';
    expect(await around.play()).toBe(false);
  });

  test.each<[string, Partial<Surroundings>]>([
    ['nobody has the stream', { owner: undefined }],
    ['this worker has it', { owner: 'worker-1' }],
    ['the worker that has it is about to end', { draining: true }],
  ])('stays when %s', async (_why, settings) => {
    const around = Object.assign(new Surroundings(), settings);
    expect(await around.play()).toBe(false);
  });

  test('stays when it cannot be moved any more once the owner is known', async () => {
    const depart = jest.fn(() => DEPARTURE);
    expect(await new Surroundings().play({ canMove: false, depart })).toBe(false);
    expect(depart).not.toHaveBeenCalled();
  });

  test('stays when the registry takes too long', async () => {
    jest.useFakeTimers();
    const around = new Surroundings();
    around.storeAnswers = false;
    const played = around.play();
    await jest.advanceTimersByTimeAsync(500);
    expect(await played).toBe(false);
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  test('stays for a while after the other worker has said that it has enough', async () => {
    const around = new Surroundings();
    around.listener.crowded('channel');
    expect(await around.play()).toBe(false);
    around.nowMs = 10_000;
    expect(await around.play()).toBe(true);
  });
});

test('the worker that has the stream tells when it has enough viewers', () => {
  const around = new Surroundings();
  const connection = { channel: 'channel', departure: DEPARTURE };
  around.viewersHere = 7;
  around.listener.passed('worker-2', connection, HANDLE);
  expect(around.crowdedTold).toEqual([]);
  around.viewersHere = 8;
  around.listener.passed('worker-2', connection, HANDLE);
  expect(around.crowdedTold).toEqual(['worker-2 channel']);
});
