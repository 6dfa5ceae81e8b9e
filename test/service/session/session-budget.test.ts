import { describe, expect, test } from '@jest/globals';
import { MessageType } from '../../../service/protocol/message-types';
import { SessionBudget } from '../../../service/session/session-budget';

/** How many messages of this kind a budget pays for at once. */
function paid(budget: SessionBudget, typeId: number, length = 10, now = 0, most = 100_000): number {
  let count = 0;
  while (count < most && budget.payForMessage(typeId, length, now)) count += 1;
  return count;
}

describe('a client that has not been let publish', () => {
  test('may send some hundred messages, and then some fifty a second', () => {
    const budget = new SessionBudget(0);
    expect(paid(budget, MessageType.CommandAmf0)).toBe(299);
    const again = paid(budget, MessageType.UserControl, 6, 10_000);
    expect(again).toBeGreaterThan(290);
    const rested = new SessionBudget(0);
    for (let second = 0; second < 3_600; second += 1) {
      for (let i = 0; i < 45; i += 1)
        expect(rested.payForMessage(MessageType.CommandAmf0, 10, second * 1_000)).toBe(true);
    }
  });

  test('pays for the length of messages, too', () => {
    expect(paid(new SessionBudget(0), MessageType.CommandAmf0, 65_536)).toBe(17);
  });

  test('may acknowledge as often as a player does that takes a large cached start at once', () => {
    expect(paid(new SessionBudget(0), MessageType.Acknowledgement, 4)).toBeGreaterThan(5_000);
  });

  test('pays more for looking channels up', () => {
    const budget = new SessionBudget(0);
    let looked = 0;
    while (budget.payForMessage(MessageType.CommandAmf0, 10, 0) && budget.payForCommand('play', 0)) looked += 1;
    expect(looked).toBeLessThanOrEqual(30);
  });

  test.each(['constructor', '__proto__', 'toString', 'whatever'])(
    'pays nothing more for a command called %s',
    (name) => {
      const budget = new SessionBudget(0);
      for (let i = 0; i < 10_000; i += 1) expect(budget.payForCommand(name, 0)).toBe(true);
    },
  );
});

test('a publisher may send captions with every frame of 60 a second, and their backlog at once', () => {
  const budget = new SessionBudget(0);
  budget.widen();
  expect(paid(budget, MessageType.DataAmf0, 400)).toBeGreaterThan(2_000);
  for (let second = 10; second < 600; second += 1) {
    for (let i = 0; i < 600; i += 1) expect(budget.payForMessage(MessageType.DataAmf0, 400, second * 1_000)).toBe(true);
  }
});
