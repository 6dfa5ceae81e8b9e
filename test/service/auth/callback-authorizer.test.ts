import { setMaxListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CallbackAuthorizer, type CallbackAuthorizerOptions } from '../../../service/auth/callback-authorizer';
import { CallbackClient } from '../../../service/auth/callback-client';
import { fixedSecret } from '../../../service/auth/event-token';
import type { PublishDecision, PublishRequest } from '../../../service/auth/publish-authorizer';
import type { StopRecord } from '../../../service/auth/stop-record';
import {
  type CallbackAnswerScript,
  type CallbackServer,
  startCallbackServer,
} from '../../support/servers/callback-server';
import { MemoryLogger } from '../../support/memory-logger';
import { ManualClock } from '../time/manual-clock';
import { PLAIN_NAMES } from '../../support/names';

const SECRET = 'a-secret-of-the-test';
const REQUEST: PublishRequest = { channel: 'ch1', key: 'the-stream-key', clientIp: '192.0.2.7', query: '' };
const ENDED = { ...REQUEST, jti: 'stop-1', streamId: 'st-1' };
const STAYS = new AbortController().signal;
setMaxListeners(0, STAYS);

let server: CallbackServer;
let client: CallbackClient;
let logger: MemoryLogger;
let observed: string[];
const opened: CallbackAuthorizer[] = [];
const NEVER_LATER = (): void => undefined;
/** Stops that are due and not pulled. */
let due: StopRecord[];

/** The stop has become due. */
function ended(authorizer: CallbackAuthorizer, stop: StopRecord): void {
  due.push(stop);
  authorizer.stopsDue();
}

function create(options: Partial<CallbackAuthorizerOptions> = {}): CallbackAuthorizer {
  const authorizer = new CallbackAuthorizer({
    client,
    subject: 'rtmp_event',
    secret: fixedSecret(SECRET),
    timeoutMs: 20_000,
    rtmpHost: 'live.example',
    rtmpPort: 1936,
    names: PLAIN_NAMES,
    log: logger,
    due: { pull: (max) => Promise.resolve(due.splice(0, max)), delivered: () => undefined },
    observer: {
      callback: (event, result) => void observed.push(`${event} ${result}`),
      unasked: () => undefined,
      handlerDown: () => undefined,
    },
    ...options,
  });
  opened.push(authorizer);
  return authorizer;
}

beforeEach(async () => {
  server = await startCallbackServer();
  const url = new URL(server.url);
  url.username = 'hook-user';
  url.password = 'hook-password';
  client = new CallbackClient({ url });
  logger = new MemoryLogger();
  observed = [];
  due = [];
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((authorizer) => authorizer.drain(0)));
  client.close();
  await server.stop();
});

/** Connections 1 and 2, idle. */
async function keepTwoConnections(): Promise<void> {
  await Promise.all([1, 2].map(() => client.post('e30.e30.c2ln', 20_000)));
}

describe('a start', () => {
  test('answered 200 is accepted with the stream id and limits of the answer', async () => {
    const headers = {
      'stream-id': 'st-1',
      'Play-Key': 'viewers',
      'max-duration-seconds': '60',
      'max-bitrate-kbps': '9',
    };
    server.answerNext({ headers });
    await expect(create().authorizeStart({ ...REQUEST, query: 'a=b' }, STAYS, NEVER_LATER)).resolves.toEqual({
      accepted: true,
      grant: { streamId: 'st-1', playKey: 'viewers', maxDurationSeconds: 60, maxBitrateKbps: 9 },
    });
    expect(server.requests[0]!.claims).toMatchObject({
      sub: 'rtmp_event',
      event: 'start',
      channel: 'ch1',
      key: 'the-stream-key',
      client_ip: '192.0.2.7',
      query: 'a=b',
      rtmp_host: 'live.example',
      rtmp_port: 1936,
    });
    expect(observed).toEqual(['start accepted']);
  });

  test('accepted without a stream id has an empty one; headers that cannot be used are warned of', async () => {
    server.answerNext({ headers: { 'play-key': 'no good', 'max-bitrate-kbps': 'lots' } });
    const decision = await create().authorizeStart(REQUEST, STAYS, NEVER_LATER);
    expect(decision).toEqual({ accepted: true, grant: { streamId: '' } });
    expect(logger.matching(/^warning .*(play-key|max-bitrate-kbps) is ignored.*"ch1"/)).toHaveLength(2);
    expect(logger.lines.join('\n')).not.toContain('no good');
  });

  test('headers about outputs that this node does not have are warned of', async () => {
    server.answerNext({ headers: { record: 'YES' } });
    const authorizer = create({ unmetOutputs: () => ['record needs RECORD_TO'] });
    expect(await authorizer.authorizeStart(REQUEST, STAYS, NEVER_LATER)).toMatchObject({ accepted: true });
    expect(logger.matching(/^warning .*record needs RECORD_TO.*no effect/)).toHaveLength(1);
  });

  test.each([400, 401, 403, 404, 499])('answered %i is refused for good', async (status) => {
    server.answerNext({ status });
    const decision = await create().authorizeStart(REQUEST, STAYS, NEVER_LATER);
    expect(decision).toEqual({ accepted: false, final: true, reason: expect.stringContaining(String(status)) });
    expect(observed).toEqual(['start refused']);
  });

  test('that fails tells the operator what to mend, in one line however often, and no key', async () => {
    server.answerWith(() => ({ status: 401 }));
    const authorizer = create();
    await authorizer.authorizeStart(REQUEST, STAYS, NEVER_LATER);
    await authorizer.authorizeStart(REQUEST, STAYS, NEVER_LATER);
    expect(logger.matching(/^warning .*answered with status 401: is JWT_SECRET the same .*"ch1"/)).toHaveLength(1);
    authorizer.close();
    expect(logger.matching(/^warning .*is JWT_SECRET the same .*"repeated":1/)).toHaveLength(1);
    expect(logger.lines.join('\n')).not.toMatch(/the-stream-key|hook-password/);
  });

  test('refused after others were accepted is a decision, and no line', async () => {
    const authorizer = create();
    await authorizer.authorizeStart(REQUEST, STAYS, NEVER_LATER);
    server.answerNext({ status: 403 });
    await authorizer.authorizeStart(REQUEST, STAYS, NEVER_LATER);
    expect(logger.matching(/^(warning|error)/)).toEqual([]);
  });

  test.each([201, 204, 301, 302, 307, 429, 500, 503])(
    'answered %i is refused for now, and not asked again',
    async (status) => {
      server.answerWith(() => ({ status, headers: { location: server.url.href, 'stream-id': 'x' } }));
      const decision = await create().authorizeStart(REQUEST, STAYS, NEVER_LATER);
      expect(decision).toEqual({ accepted: false, final: false, reason: expect.stringContaining(String(status)) });
      expect(server.requests).toHaveLength(1);
      expect(observed).toEqual(['start error']);
    },
  );

  test('not answered in time is refused for now, and not asked again', async () => {
    server.answerNext({ neverAnswer: true });
    const decision = await create({ timeoutMs: 100 }).authorizeStart(REQUEST, STAYS, NEVER_LATER);
    const reason = 'The callback did not answer in time';
    expect(decision).toEqual({ accepted: false, final: false, reason, unsettled: 'late' });
    expect(server.requests).toHaveLength(1);
    expect(observed).toEqual(['start timeout']);
  });

  test('whose connection broke is asked once more, as the same event', async () => {
    server.answerNext({}, { hangUp: true }, { headers: { 'stream-id': 'st-2' } });
    const authorizer = create();
    await authorizer.authorizeStart(REQUEST, STAYS, NEVER_LATER);
    const decision = await authorizer.authorizeStart(REQUEST, STAYS, NEVER_LATER);
    expect(decision).toEqual({ accepted: true, grant: { streamId: 'st-2' } });
    const [first, second, third] = server.requests.map((request) => request.claims.jti);
    expect(second).toBe(third);
    expect(first).not.toBe(second);
    expect(observed).toEqual(['start accepted', 'start unreachable', 'start accepted']);
  });

  test('is asked the second time over a new connection: a handler that was restarted has closed every kept one', async () => {
    await keepTwoConnections();
    server.answerWith(({ connection }) => ({ hangUp: connection <= 2, headers: { 'stream-id': 'st-3' } }));
    const decision = await create().authorizeStart(REQUEST, STAYS, NEVER_LATER);
    expect(decision).toEqual({ accepted: true, grant: { streamId: 'st-3' } });
    expect(server.requests[2]!.connection).toBeLessThanOrEqual(2);
    expect(server.requests[3]!.connection).toBe(3);
  });

  test('whose connection breaks twice is refused for now', async () => {
    server.answerWith(() => ({ hangUp: true }));
    const decision = await create().authorizeStart(REQUEST, STAYS, NEVER_LATER);
    expect(decision).toEqual({
      accepted: false,
      final: false,
      reason: expect.stringContaining('could not be reached'),
      unsettled: 'unknown',
    });
    expect(server.requests).toHaveLength(2);
  });

  test('is refused for now when nothing listens', async () => {
    await server.stop();
    const decision = await create().authorizeStart(REQUEST, STAYS, NEVER_LATER);
    expect(decision).toEqual({ accepted: false, final: false, reason: expect.stringContaining('ECONNREFUSED') });
    expect(observed).toEqual(['start unreachable', 'start unreachable']);
  });

  test('waits no longer for the secret than for the answer', async () => {
    const clock = new ManualClock();
    const secret = { current: () => new Promise<string>(() => {}), renew: () => Promise.resolve(undefined) };
    const decision = create({ clock, secret, timeoutMs: 5_000 }).authorizeStart(REQUEST, STAYS, NEVER_LATER);
    await clock.advance(5_000);
    await expect(decision).resolves.toMatchObject({ accepted: false, final: false });
    expect(server.requests).toEqual([]);
  });

  test('waiting for its answer holds up no other', async () => {
    server.answerWith(({ claims }) => ({ neverAnswer: claims.channel === 'slow' }));
    const authorizer = create();
    const gone = new AbortController();
    const slow = authorizer.authorizeStart({ ...REQUEST, channel: 'slow' }, gone.signal, NEVER_LATER);
    await server.request(1);
    await expect(authorizer.authorizeStart(REQUEST, STAYS, NEVER_LATER)).resolves.toMatchObject({ accepted: true });
    gone.abort();
    await expect(slow).resolves.toMatchObject({ accepted: false });
  });

  test('of a resumed stream names it', async () => {
    await create().authorizeStart({ ...REQUEST, resume: 'st-0' }, STAYS, NEVER_LATER);
    expect(server.requests[0]!.claims).toHaveProperty('resume', 'st-0');
  });

  test('that cannot be signed is refused for now, with nothing of the cause', async () => {
    const current = (): Promise<string> => Promise.reject(new Error('vault-17 is sealed'));
    const secret = { ...fixedSecret(''), current };
    const decision = await create({ secret }).authorizeStart(REQUEST, STAYS, NEVER_LATER);
    expect(decision).toEqual({ accepted: false, final: false, reason: 'The callback could not be made' });
    expect(logger.matching(/^error .*vault-17 is sealed/)).toHaveLength(1);
  });
});

describe('a start that was not answered in time', () => {
  const TIME_OUT = { timeoutMs: 100 };
  /** Long after the time-out. */
  const LATE_MS = 2_000;

  function late(answer: CallbackAnswerScript) {
    server.answerNext(answer);
    const authorizer = create(TIME_OUT);
    let first: Promise<PublishDecision> | undefined;
    const later = new Promise<PublishDecision>((resolve) => {
      first = authorizer.authorizeStart({ ...REQUEST, startJti: 'the-start' }, STAYS, resolve);
    });
    return { authorizer, first: first!, later };
  }

  test.each<[string, CallbackAnswerScript, object]>([
    ['accepted', { headers: { 'stream-id': 'late' } }, { accepted: true, grant: { streamId: 'late' } }],
    ['refused', { status: 403 }, { accepted: false, final: false, reason: expect.any(String) }],
    ['not known any more', { hangUp: true }, { accepted: false, unsettled: 'unknown' }],
  ])('is found to be %s when the answer comes', async (_how, answer, decision) => {
    const { first, later } = late({ delayMs: LATE_MS, ...answer });
    expect(await first).toMatchObject({ accepted: false, unsettled: 'late' });
    expect(await later).toMatchObject(decision);
    expect(server.requests[0]!.claims.jti).toBe('the-start');
    expect(server.requests).toHaveLength(1);
  });

  test('is not waited for when the server ends', async () => {
    const { authorizer, first, later } = late({ neverAnswer: true });
    await first;
    await expect(authorizer.drain(20_000)).resolves.toBe(0);
    expect(await later).toMatchObject({ accepted: false, unsettled: 'unknown' });
  });
});

test('the two questions of one start are one event', async () => {
  server.answerNext({ hangUp: true }, { hangUp: true });
  await create().authorizeStart(REQUEST, STAYS, NEVER_LATER);
  const [first, second] = server.requests.map((request) => [request.claims.jti, request.claims.iat]);
  expect(second).toEqual(first);
});

test('a start of which the handler never heard is settled', async () => {
  await server.stop();
  const decision = await create().authorizeStart(REQUEST, STAYS, NEVER_LATER);
  expect(decision).not.toHaveProperty('unsettled');
});

describe('a publisher that goes', () => {
  test('before the handler is asked costs no request', async () => {
    const decision = await create().authorizeStart(REQUEST, AbortSignal.abort(), NEVER_LATER);
    expect(decision).toMatchObject({ accepted: false, final: false });
    expect(server.requests).toHaveLength(0);
  });

  test('while the handler decides does not end the question; the drain waits for a stop that is expected', async () => {
    server.answerNext({ delayMs: 100, headers: { 'stream-id': 'st-9' } });
    const authorizer = create();
    const gone = new AbortController();
    const decided = authorizer.expectStop();
    const decision = authorizer.authorizeStart(REQUEST, gone.signal, NEVER_LATER);
    await server.request(1);
    gone.abort();
    const drained = authorizer.drain(20_000);
    await expect(decision).resolves.toMatchObject({ accepted: true, grant: { streamId: 'st-9' } });
    ended(authorizer, ENDED);
    decided();
    await expect(drained).resolves.toBe(0);
    expect(server.requests.map(({ claims }) => claims.event)).toEqual(['start', 'stop']);
  });
});

describe('a stop', () => {
  test('is sent once, with the stream id, and is another event than the start', async () => {
    const authorizer = create();
    await authorizer.authorizeStart(REQUEST, STAYS, NEVER_LATER);
    ended(authorizer, ENDED);
    await expect(authorizer.drain(20_000)).resolves.toBe(0);
    expect(server.requests).toHaveLength(2);
    const [start, stop] = server.requests.map((request) => request.claims);
    expect(stop).toMatchObject({ event: 'stop', channel: 'ch1', key: 'the-stream-key', stream_id: 'st-1' });
    expect(stop!.jti).not.toBe(start!.jti);
    expect(observed).toEqual(['start accepted', 'stop accepted']);
  });

  test.each<[string, CallbackAnswerScript, string]>([
    ['500', { status: 500 }, 'stop error'],
    ['204', { status: 204 }, 'stop error'],
    ['403', { status: 403 }, 'stop refused'],
    ['nothing', { hangUp: true }, 'stop unreachable'],
  ])('answered %s is sent again as the same event with a fresh token', async (_name, answer, result) => {
    const clock = new ManualClock();
    const authorizer = create({ clock });
    server.answerNext(answer);
    ended(authorizer, ENDED);
    await logger.waitFor(/attempt 1 failed/);
    await clock.advance(2_000);
    const [first, second] = [await server.request(1), await server.request(2)];
    expect(second.claims.jti).toBe(first.claims.jti);
    expect(Number(second.claims.exp)).toBeGreaterThan(Number(first.claims.exp));
    await expect(authorizer.drain(20_000)).resolves.toBe(0);
    expect(observed).toEqual([result, 'stop accepted']);
  });

  test('that fails is sent again over a new connection', async () => {
    await keepTwoConnections();
    server.answerWith(({ connection }) => ({ hangUp: connection <= 2 }));
    const authorizer = create();
    ended(authorizer, ENDED);
    await expect(authorizer.drain(20_000)).resolves.toBe(0);
    expect(server.requests.slice(2).map((request) => request.connection)).toEqual([expect.any(Number), 3]);
  });

  test('is not lost when the handler is down while streams end, and comes back during the drain', async () => {
    await server.stop();
    const authorizer = create();
    for (let number = 1; number <= 40; number += 1) {
      ended(authorizer, { ...ENDED, jti: `stop-${number}`, channel: `ch${number}` });
    }
    await logger.waitFor(/attempt 1 failed/);
    const drained = authorizer.drain(20_000);
    await server.start();
    await expect(drained).resolves.toBe(0);
    const channels = server.requests.map((request) => request.claims.channel);
    expect(new Set(channels).size).toBe(40);
    expect(channels).toHaveLength(40);
  });

  test('that cannot be delivered in the drain is counted', async () => {
    await server.stop();
    const authorizer = create();
    ended(authorizer, ENDED);
    await expect(authorizer.drain(300)).resolves.toBe(1);
  });
});

describe('starts and stops', () => {
  test('do not hold each other up: stops have connections that starts cannot take', async () => {
    server.answerWith(({ claims }) => ({ neverAnswer: claims.event === 'start' }));
    const authorizer = create();
    for (let count = 0; count < 300; count += 1) {
      const clientIp = `192.0.2.${count}`;
      void authorizer.authorizeStart({ ...REQUEST, channel: `ch${count}`, clientIp }, STAYS, NEVER_LATER);
    }
    await server.request(240);
    ended(authorizer, ENDED);
    expect((await server.request(241)).claims.event).toBe('stop');
  });

  test('a stop is sent though starts are not asked about, and its failures do not keep starts from being asked', async () => {
    server.answerWith(({ claims }) => ({ status: claims.event === 'start' ? 500 : 200 }));
    const authorizer = create();
    for (let count = 0; count < 6; count += 1) {
      await authorizer.authorizeStart({ ...REQUEST, channel: `ch${count}` }, STAYS, NEVER_LATER);
    }
    expect(server.requests).toHaveLength(5);
    ended(authorizer, ENDED);
    expect((await server.request(6)).claims.event).toBe('stop');

    server.answerWith(({ claims }) => ({ status: claims.event === 'stop' ? 500 : 200 }));
    const other = create();
    for (let count = 0; count < 9; count += 1) ended(other, { ...ENDED, jti: `stop-${count}`, channel: `ch${count}` });
    await server.request(15);
    await logger.waitFor(/attempt 1 failed.*ch8/);
    await expect(other.authorizeStart(REQUEST, STAYS, NEVER_LATER)).resolves.toMatchObject({ accepted: true });
  });
});

test('neither refusals nor logs tell the key, the token, the secret, or anything private of the URL', async () => {
  const authorizer = create({ timeoutMs: 100 });
  const reasons: string[] = [];
  for (const answer of [{ status: 403 }, { status: 500 }, { neverAnswer: true }, { hangUp: true }]) {
    server.answerNext(answer, { status: 500 });
    ended(authorizer, { ...ENDED, jti: `stop-${reasons.length}` });
    const decision = await authorizer.authorizeStart(REQUEST, STAYS, NEVER_LATER);
    reasons.push(decision.accepted ? '' : decision.reason);
  }
  await server.stop();
  ended(authorizer, { ...ENDED, jti: 'last stop' });
  const decision = await authorizer.authorizeStart(REQUEST, STAYS, NEVER_LATER);
  reasons.push(decision.accepted ? '' : decision.reason);
  await authorizer.drain(50);
  const told = [...reasons, ...logger.lines].join('\n');
  expect(told).toContain('ECONNREFUSED');
  for (const secret of ['the-stream-key', SECRET, 'hook-user', 'hook-password', 'site=1', 'eyJ']) {
    expect(told).not.toContain(secret);
  }
});
