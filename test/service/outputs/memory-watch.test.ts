import { expect, test } from '@jest/globals';
import { MemoryWatch, outputsMemoryBudget } from '../../../service/outputs/memory-watch';
import { MemoryLogger } from '../../support/memory-logger';

function rig(budgetBytes: number) {
  const state = { now: 0, used: 0, sheds: 0 };
  const log = new MemoryLogger();
  const watch = new MemoryWatch({
    ...{ budgetBytes, log },
    shed: () => (state.sheds += 1),
    used: () => state.used,
    now: () => state.now,
  });
  return { state, log, watch };
}

test('beyond the budget, streams are left out, and the log says so once', () => {
  const { state, log, watch } = rig(100);
  watch.look();
  expect(state.sheds).toBe(0);
  state.used = 101;
  for (let look = 0; look < 5; look += 1) {
    state.now += 250;
    watch.look();
  }
  expect(state.sheds).toBe(5);
  expect(log.matching(/short of memory/)).toHaveLength(1);
});

test('a program that does not keep up says so', () => {
  const { state, log, watch } = rig(100);
  state.now = 5_000;
  watch.look();
  expect(log.matching(/too slow/)).toHaveLength(1);
  expect(state.sheds).toBe(0);
});

test('the budget is a share of the container, a smaller one beside the node', () => {
  const GB = 1024 ** 3;
  expect(outputsMemoryBudget(false, 2 * GB, 8 * GB)).toBe(Math.floor(1.4 * GB));
  expect(outputsMemoryBudget(true, 0, 8 * GB)).toBe(2 * GB);
  expect(outputsMemoryBudget(true, 2 ** 60, 8 * GB)).toBe(2 * GB);
});
