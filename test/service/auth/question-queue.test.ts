import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type NoPlace,
  QuestionQueue,
  type QuestionQueueOptions,
  type Release,
} from '../../../service/auth/question-queue';
import { ManualClock, settled } from '../time/manual-clock';

const STAYS = new AbortController().signal;

interface Question {
  /** Undefined while it waits. */
  result: Release | NoPlace | undefined;
  readonly group: string;
}

function open(options: Partial<QuestionQueueOptions> = {}) {
  const clock = new ManualClock();
  const queue = new QuestionQueue({ places: 4, maxWaiting: 100, maxWaitingPerAddress: 50, clock, ...options });
  const take = (group: string, limit = 2, signal: AbortSignal = STAYS): Question => {
    const question: Question = { group, result: undefined };
    void queue.take(group, limit, 10_000, signal).then((result) => (question.result = result));
    return question;
  };
  return { clock, queue, take };
}

const isOut = ({ result }: Question): boolean => typeof result === 'function';
const end = ({ result }: Question): void => (result as Release)();

describe('places', () => {
  test('an address has no more than its share, though there is room', async () => {
    const { queue, take } = open();
    const questions = [take('a'), take('a'), take('a'), take('b')];
    await settled();
    expect(questions.map(isOut)).toEqual([true, true, false, true]);
    expect([queue.out, queue.waiting]).toEqual([3, 1]);
    end(questions[0]!);
    await settled();
    expect(questions.map(isOut)).toEqual([true, true, true, true]);
    expect([queue.out, queue.waiting]).toEqual([3, 0]);
  });

  test('a place that comes free goes to the addresses in turn, not to who waits longest', async () => {
    const { take } = open({ places: 1 });
    const first = take('z', 9);
    const waiting = [take('a', 9), take('a', 9), take('a', 9), take('b', 9), take('c', 9)];
    const order: string[] = [];
    await settled();
    end(first);
    for (;;) {
      await settled();
      const started = waiting.find(isOut);
      if (started === undefined) break;
      waiting.splice(waiting.indexOf(started), 1);
      order.push(started.group);
      end(started);
    }
    expect(order).toEqual(['a', 'b', 'c', 'a', 'a']);
  });

  test('an address at its limit is passed over', async () => {
    const { take } = open({ places: 2 });
    const [a, b] = [take('a', 1), take('b', 1)];
    const [a2, c] = [take('a', 1), take('c', 1)];
    await settled();
    end(b);
    await settled();
    expect([isOut(a2), isOut(c)]).toEqual([false, true]);
    end(a);
    await settled();
    expect(isOut(a2)).toBe(true);
  });
});

describe('waiting', () => {
  test('ends when there is no place in time', async () => {
    const { clock, queue, take } = open({ places: 1 });
    take('a');
    const late = take('b');
    await clock.advance(10_000);
    expect(late.result).toBe('late');
    expect(queue.waiting).toBe(0);
  });

  test('ends when the publisher goes, who costs nothing from then on', async () => {
    const { queue, take } = open({ places: 1 });
    const first = take('a');
    const gone = new AbortController();
    const [leaves, stays] = [take('b', 2, gone.signal), take('c')];
    gone.abort();
    await settled();
    expect([leaves.result, queue.waiting]).toEqual(['gone', 1]);
    end(first);
    await settled();
    expect(isOut(stays)).toBe(true);
    expect(take('d', 2, gone.signal).result).toBeUndefined();
    await settled();
    expect(queue.waiting).toBe(0);
  });

  test('is bounded for each address and for all', async () => {
    const { queue, take } = open({ places: 1, maxWaiting: 3, maxWaitingPerAddress: 2 });
    take('z');
    const ofA = [take('a'), take('a'), take('a')];
    const ofOthers = [take('b'), take('c')];
    await settled();
    expect(ofA.map(({ result }) => result)).toEqual([undefined, undefined, 'full']);
    expect(ofOthers.map(({ result }) => result)).toEqual([undefined, 'full']);
    expect(queue.waiting).toBe(3);
  });
});

test('whatever comes and goes: no share or bound is passed, no place is lost, and nobody waits beside a free place', async () => {
  const step = fc.record({ group: fc.constantFrom('a', 'b', 'c', 'd'), act: fc.constantFrom('take', 'end', 'leave') });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { queue, take } = open({ places: 3 });
      let questions: (Question & { gone: AbortController })[] = [];
      for (const { group, act } of steps) {
        const mine = questions.filter((question) => question.group === group);
        if (act === 'take') {
          const gone = new AbortController();
          questions.push(Object.assign(take(group, 2, gone.signal), { gone }));
        } else if (act === 'leave') {
          mine.find((question) => !isOut(question))?.gone.abort();
        } else {
          const out = mine.find(isOut);
          if (out !== undefined) {
            end(out);
            questions = questions.filter((question) => question !== out);
          }
        }
        await settled();
        questions = questions.filter(({ result }) => typeof result !== 'string');
        const out = questions.filter(isOut);
        const ofGroup = (name: string): number => out.filter((question) => question.group === name).length;
        expect(queue.out).toBe(out.length);
        expect(queue.waiting).toBe(questions.length - out.length);
        expect(out.length).toBeLessThanOrEqual(3);
        for (const name of ['a', 'b', 'c', 'd']) expect(ofGroup(name)).toBeLessThanOrEqual(2);
        const couldStart = questions.some((question) => !isOut(question) && ofGroup(question.group) < 2);
        expect(couldStart && out.length < 3).toBe(false);
      }
    }),
    { numRuns: 100 },
  );
});
