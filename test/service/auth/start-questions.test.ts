import { setMaxListeners } from 'node:events';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { PublishDecision, PublishRequest } from '../../../service/auth/publish-authorizer';
import {
  type AskedQuestion,
  MAX_QUESTIONS_OUT,
  MAX_QUESTIONS_PER_ADDRESS,
  StartQuestions,
} from '../../../service/auth/start-questions';
import { MemoryLogger } from '../../support/memory-logger';
import { ManualClock, settled } from '../time/manual-clock';

const STAYS = new AbortController().signal;
setMaxListeners(0, STAYS);
const ACCEPTED: AskedQuestion = { decision: { accepted: true, grant: { streamId: '' } }, result: 'answered' };
const REFUSED: AskedQuestion = { decision: { accepted: false, final: true, reason: 'no' }, result: 'answered' };
const DOWN: AskedQuestion = { decision: { accepted: false, final: false, reason: '500' }, result: 'failed' };

interface Asked {
  readonly ip: string;
  answer(answer: AskedQuestion): void;
}

/** The questions that reached the handler. */
let asked: Asked[];
/** The handler's immediate answer; undefined: none. */
let answerAll: AskedQuestion | undefined;
let clock: ManualClock;
let logger: MemoryLogger;
let observed: string[];
let questions: StartQuestions;
let channels: number;

beforeEach(() => {
  asked = [];
  answerAll = undefined;
  channels = 0;
  clock = new ManualClock();
  logger = new MemoryLogger();
  observed = [];
  questions = create();
});

function create(perAddress = 4): StartQuestions {
  return new StartQuestions({
    perAddress: () => perAddress,
    log: logger,
    observer: {
      unasked: (reason) => void observed.push(reason),
      handlerDown: (down) => void observed.push(`down: ${down}`),
    },
    clock,
    random: () => 0,
  });
}

function request(clientIp: string, channel = `channel-${(channels += 1)}`): PublishRequest {
  return { channel, key: 'k', clientIp, query: '' };
}

function ask(clientIp: string, signal = STAYS, channel?: string): Promise<PublishDecision> {
  return questions.ask(request(clientIp, channel), 10_000, signal, () => {
    if (answerAll !== undefined) return Promise.resolve(answerAll);
    return new Promise((answer) => asked.push({ ip: clientIp, answer }));
  });
}

/** Addresses whose questions have reached the handler, in order. */
async function addresses(): Promise<string[]> {
  await settled();
  return asked.map(({ ip }) => ip);
}

describe('questions out', () => {
  test('are four of an address at most, also of publishers that leave at once, until they are answered', async () => {
    for (let count = 0; count < 50; count += 1) {
      const gone = new AbortController();
      void ask('192.0.2.1', gone.signal);
      await settled();
      gone.abort();
    }
    expect(await addresses()).toEqual(Array(4).fill('192.0.2.1'));
    expect(questions.out).toBe(4);
    const waits = ask('192.0.2.1');
    void ask('192.0.2.2');
    expect((await addresses()).slice(4)).toEqual(['192.0.2.2']);
    asked[0]!.answer(ACCEPTED);
    expect((await addresses()).slice(5)).toEqual(['192.0.2.1']);
    asked[5]!.answer(ACCEPTED);
    await expect(waits).resolves.toMatchObject({ accepted: true });
    expect(questions.out).toBe(4);
  });

  test('of one /64 are counted together', async () => {
    for (const host of ['::1', '::2', '::3', '::4', '::5']) void ask(`2001:db8${host}`);
    void ask('2001:db8:0:1::1');
    expect(await addresses()).toHaveLength(5);
  });

  test('of an address without a limit are a quarter of all places', async () => {
    questions = create(Infinity);
    for (let count = 0; count < 200; count += 1) void ask('192.0.2.1');
    void ask('192.0.2.2');
    expect(await addresses()).toHaveLength(MAX_QUESTIONS_PER_ADDRESS + 1);
  });

  test('are bounded for the node, and addresses take turns', async () => {
    for (let host = 0; host < 100; host += 1) for (let count = 0; count < 4; count += 1) void ask(`10.0.0.${host}`);
    expect(await addresses()).toHaveLength(MAX_QUESTIONS_OUT);
    for (const question of [...asked]) question.answer(ACCEPTED);
    const next = (await addresses()).slice(MAX_QUESTIONS_OUT);
    expect(next.slice(0, 40)).toEqual(Array.from({ length: 40 }, (_, host) => `10.0.0.${host + 60}`));
  });

  test('that wait are bounded; who comes too late or waits too long is told to try again', async () => {
    questions = create(Infinity);
    const decisions = Array.from({ length: 400 }, () => ask('192.0.2.1'));
    await settled();
    expect(observed).toEqual(Array(400 - MAX_QUESTIONS_PER_ADDRESS - 256).fill('queue_full'));
    await clock.advance(10_000);
    await expect(decisions[399]).resolves.toMatchObject({ accepted: false, final: false });
    await expect(decisions[100]).resolves.toMatchObject({ accepted: false, final: false });
    expect(observed.filter((reason) => reason === 'queue_timeout')).toHaveLength(256);
  });
});

describe('a handler that is down', () => {
  async function fail(times: number): Promise<void> {
    answerAll = DOWN;
    for (let count = 0; count < times; count += 1) await ask(`198.51.100.${count}`);
    answerAll = undefined;
  }

  test('is not asked: publishers are told to try again, before anything is reserved', async () => {
    await fail(5);
    const tryAgain = { accepted: false, final: false, reason: expect.stringContaining('try again') };
    expect(questions.screen(request('192.0.2.9'), STAYS)).toEqual(tryAgain);
    await expect(ask('192.0.2.9')).resolves.toEqual(tryAgain);
    expect(observed).toEqual(['down: true', 'handler_down', 'handler_down']);
    await clock.advance(1_000);
    answerAll = ACCEPTED;
    expect(questions.screen(request('192.0.2.9'), STAYS)).toBeUndefined();
    await expect(ask('192.0.2.9')).resolves.toMatchObject({ accepted: true });
    expect(observed.at(-1)).toBe('down: false');
    expect(questions.out).toBe(0);
  });

  test('is not one that had too little time, because the questions waited for their places', async () => {
    for (let count = 0; count < 16; count += 1) void ask(`192.0.2.${1 + (count % 2)}`);
    await settled();
    await clock.advance(8_000);
    for (const question of asked.splice(0)) question.answer(ACCEPTED);
    await settled();
    expect(asked).toHaveLength(8);
    await clock.advance(2_000);
    for (const question of asked.splice(0)) question.answer(DOWN);
    await settled();
    expect(observed).not.toContain('down: true');
    // Less time, but an error at once: that is the handler's.
    answerAll = DOWN;
    await fail(5);
    expect(observed).toContain('down: true');
  });

  test('is not asked by those who wait for a place either', async () => {
    for (let count = 0; count < 4; count += 1) void ask('192.0.2.1');
    const waits = ask('192.0.2.1');
    await settled();
    await fail(5);
    asked[0]!.answer(DOWN);
    await expect(waits).resolves.toMatchObject({ accepted: false, reason: expect.stringContaining('try again') });
    expect(await addresses()).toHaveLength(4);
  });

  test('is none that refuses everybody, nor one that could not be asked', async () => {
    answerAll = REFUSED;
    for (let count = 0; count < 9; count += 1) await ask(`192.0.2.${count}`);
    for (let count = 0; count < 9; count += 1) {
      const sealed = (): Promise<AskedQuestion> => Promise.reject(new Error('sealed'));
      await expect(questions.ask(request('192.0.2.1'), 10_000, STAYS, sealed)).rejects.toThrow('sealed');
    }
    expect(observed).toEqual([]);
    expect(questions.out).toBe(0);
  });
});

describe('before a channel is reserved', () => {
  test('an address that was refused for it waits, and others do not', async () => {
    answerAll = REFUSED;
    await ask('192.0.2.1', STAYS, 'news');
    expect(questions.screen(request('192.0.2.1', 'sports'), STAYS)).toBeUndefined();
    expect(questions.screen(request('192.0.2.2', 'news'), STAYS)).toBeUndefined();
    let screened: unknown = 'waits';
    void Promise.resolve(questions.screen(request('192.0.2.1', 'news'), STAYS)).then((result) => (screened = result));
    await clock.advance(999);
    expect(screened).toBe('waits');
    await clock.advance(1);
    expect(screened).toBeUndefined();
    expect(questions.screen(request('192.0.2.1', 'news'), STAYS)).toBeUndefined();
    expect(logger.matching(/publish waits.*"seconds":1\b/)).toHaveLength(1);
  });

  test('who leaves while waiting waits no longer', async () => {
    answerAll = REFUSED;
    await ask('192.0.2.1', STAYS, 'news');
    const gone = new AbortController();
    const screened = questions.screen(request('192.0.2.1', 'news'), gone.signal);
    gone.abort();
    await expect(screened).resolves.toMatchObject({ accepted: false });
  });

  test('a query string above 1,024 bytes is refused for good', () => {
    const screen = (query: string) => questions.screen({ ...request('192.0.2.1'), query }, STAYS);
    expect(screen('q'.repeat(1_024))).toBeUndefined();
    expect(screen('q'.repeat(1_025))).toMatchObject({ accepted: false, final: true });
    expect(screen('é'.repeat(513))).toMatchObject({ accepted: false, final: true });
    expect(observed).toEqual(['query_too_long', 'query_too_long']);
  });
});
