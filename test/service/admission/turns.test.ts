import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Turns } from '../../../service/admission/turns';

const STAYS = new AbortController().signal;
const [STRANGER, OWNER] = ['192.0.2.1', '198.51.100.7'];
const LONG_MS = 60_000;

let turns: Turns;
/** The publishers whose turn came, in order. */
let taken: string[];
beforeEach(() => {
  jest.useFakeTimers();
  turns = new Turns();
  taken = [];
});
afterEach(() => {
  jest.useRealTimers();
});

function waits(name: string, ip: string, signal = STAYS, timeoutMs = LONG_MS): Promise<boolean> {
  const turn = turns.wait('channel', ip, timeoutMs, signal);
  void turn.then((came) => came && taken.push(name));
  return turn;
}

/** Each publisher takes its turn and ends it. */
async function goRound(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) {
    turns.ended('channel');
    await Promise.resolve();
    await Promise.resolve();
  }
}

describe('turns at a channel', () => {
  test('go round by address: one with many connections keeps another waiting for one turn', async () => {
    turns.begun('channel', STRANGER);
    for (let i = 1; i <= 4; i += 1) void waits(`stranger ${i}`, STRANGER);
    void waits('owner', OWNER);
    void waits('owner again', OWNER);
    await goRound();
    expect(taken).toEqual(['owner', 'stranger 1', 'owner again', 'stranger 2', 'stranger 3', 'stranger 4']);
  });

  test('are not waited for by those who have left, or for too long', async () => {
    turns.begun('channel', STRANGER);
    const gone = new AbortController();
    const leaves = waits('leaves', OWNER, gone.signal);
    const impatient = waits('impatient', OWNER, STAYS, 1_000);
    void waits('patient', OWNER);
    gone.abort();
    jest.advanceTimersByTime(1_000);
    expect(await Promise.all([leaves, impatient])).toEqual([false, false]);
    await goRound();
    expect(taken).toEqual(['patient']);
  });

  test('are waited for by a bounded number', async () => {
    turns.begun('channel', STRANGER);
    const strangers = Array.from({ length: 16 }, () => waits('stranger', STRANGER));
    expect(await waits('one more', STRANGER)).toBe(false);
    void waits('owner', OWNER);
    expect(await strangers.at(-1)).toBe(false);
    await goRound();
    expect(taken).toEqual(['owner', ...strangers.slice(1).map(() => 'stranger')]);
  });

  test('need no waiting where nobody is', async () => {
    expect(await waits('first', OWNER)).toBe(true);
  });
});
