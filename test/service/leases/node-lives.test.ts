import { describe, expect, test } from '@jest/globals';
import type { NodeEffect } from '../../../service/leases/life-store';
import type { StoredLife } from '../../../service/leases/life-copy';
import { type Change, type ChangeOutcome, NodeLives } from '../../../service/leases/node-lives';
import type { Answer, DueStop } from '../../../service/publishing/life-events';
import { step } from '../../../service/publishing/step';

const MEMBER = 'a/1';

/** A registry that answers when the test wants, and one node's lives in it. */
class Rig {
  stored: StoredLife | undefined;
  readonly effects: NodeEffect[] = [];
  readonly stops: DueStop[] = [];
  readonly #requests: (() => void)[] = [];
  #versions = 0;
  readonly lives = new NodeLives({
    member: MEMBER,
    policy: { takeover: true, resumes: true },
    step,
    now: () => 1_000,
    contestMs: 1_000,
    isUp: () => true,
    change: (change, done) => this.#requests.push(() => done(this.#change(change))),
    dead: (_, done) => done([]),
    later: (_, act) => act(),
    perform: (_, effects) => this.effects.push(...effects),
    refusalAlone: () => undefined,
    stopDue: (_, stop) => this.stops.push(stop),
  });

  /** Answers all requests, those included that come meanwhile. */
  answer(): void {
    for (let next = this.#requests.shift(); next; next = this.#requests.shift()) next();
  }

  come(publish: string): void {
    const candidate = { publish, node: MEMBER, startJti: `start-${publish}`, about: 'old', keyHash: 'k', group: 'g' };
    this.lives.apply('ch', { kind: 'come', candidate, now: 1_000 });
  }

  accepted(publish: string, streamId: string): void {
    this.answered(publish, { kind: 'accepted', streamId, playKeyHash: '' });
  }

  answered(publish: string, answer: Answer): void {
    const start = { publish, node: MEMBER, startJti: `start-${publish}`, about: 'old' };
    this.lives.apply('ch', { kind: 'answered', start, now: 1_000, answer });
  }

  rewrite(): void {
    this.lives.rewrite(() => 'new');
    for (const channel of this.lives.unsettled) this.lives.settle(channel, () => undefined);
  }

  #change({ seen, next }: Change): ChangeOutcome {
    if (this.stored?.version !== seen?.version) return { kind: 'other', stored: this.stored };
    this.#versions += 1;
    this.stored = { version: String(this.#versions), life: next };
    return { kind: 'changed', stored: this.stored };
  }
}

describe('what the callbacks have to say is written in another way', () => {
  test('of all that the node has', () => {
    const rig = new Rig();
    rig.come('p1');
    rig.answer();
    rig.accepted('p1', '');
    rig.come('p2');
    rig.answer();
    rig.rewrite();
    rig.answer();
    expect(rig.stored?.life).toMatchObject({ stream: { id: { about: 'new' } }, out: { about: 'new' } });
    expect(rig.lives.unsettled).toEqual([]);
  });

  test('also of a publisher that the registry is just hearing of', () => {
    const rig = new Rig();
    rig.come('p1');
    rig.rewrite();
    rig.answer();
    expect(rig.stored?.life.out).toMatchObject({ publish: 'p1', about: 'new' });
  });

  test('also while another change is on its way', () => {
    const rig = new Rig();
    rig.come('p1');
    rig.answer();
    rig.accepted('p1', 'id-1');
    rig.rewrite();
    rig.answer();
    expect(rig.stored?.life.stream).toMatchObject({ publish: 'p1', id: { about: 'new' } });
  });

  test('also of a start whose answer is late', () => {
    const rig = new Rig();
    rig.come('p1');
    rig.answered('p1', { kind: 'late' });
    rig.answer();
    rig.rewrite();
    rig.accepted('p1', 'id-1');
    rig.answer();
    expect(rig.stops).toMatchObject([{ streamId: 'id-1', about: 'new' }]);
  });

  test('also of a start that is not known any more when its answer comes', () => {
    const rig = new Rig();
    rig.come('p1');
    rig.accepted('forgotten', 'id-2');
    rig.rewrite();
    rig.answer();
    expect(rig.stops).toMatchObject([{ streamId: 'id-2', about: 'new' }]);
  });

  test('also of a stream that others have ended', () => {
    const rig = new Rig();
    for (const publish of ['p1', 'p2']) {
      rig.come(publish);
      rig.answer();
      rig.accepted(publish, '');
      rig.answer();
    }
    // The letter comes with an earlier state of the registry: the node has to assert what it has.
    rig.lives.mail('ch', rig.stored, [{ kind: 'ended', node: MEMBER, publish: 'p2', why: 'killed' }]);
    rig.stored = undefined;
    rig.rewrite();
    rig.answer();
    expect(rig.stops).toMatchObject([{ startJti: 'start-p2', about: 'new' }]);
  });

  test('also of a publisher that waits until the registry is asked', () => {
    const rig = new Rig();
    rig.come('p1');
    rig.come('p2');
    rig.rewrite();
    rig.answer();
    expect(rig.stored?.life.waiting).toMatchObject([{ publish: 'p2', about: 'new' }]);
  });
});

test('what operators ordered is told to a registry again that has lost its last writes', () => {
  const rig = new Rig();
  rig.come('p1');
  rig.answer();
  rig.accepted('p1', 'id-1');
  rig.answer();
  const earlier = rig.stored;
  rig.lives.apply('ch', { kind: 'ordered', publish: 'p1', orders: 'orders' });
  rig.answer();
  rig.stored = earlier;
  rig.lives.apply('ch', { kind: 'keeps', publish: 'p1', keeps: true });
  rig.answer();
  expect(rig.stored?.life.stream).toMatchObject({ keeps: true, id: { orders: 'orders' } });
});
