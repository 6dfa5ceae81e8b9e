import { randomBytes, randomUUID } from 'node:crypto';
import { messageOf } from '../../errors/error-text';
import { type CallbackAnswer, CallbackClient } from '../../auth/callback-client';
import { type CallbackEvent, signEventToken, type StartEvent } from '../../auth/event-token';
import { lambdaSigner } from '../../aws/sigv4-signer';
import type { CallbackConfig } from '../../config/callback-settings';
import { silentLogger } from '../../logging/silent-logger';
import type { Examination } from './examination';
import { failed, type Finding, passed, skipped, warned } from './finding';

/** Every publisher waits so long before it may begin. */
const SLOW_MS = 1_000;
const ANSWER_CHECK = 'callback.answers';
const SIGNATURE_CHECK = 'callback.signature';
const KEY_CHECK = 'callback.wrong_key';
const SPEED_CHECK = 'callback.speed';

interface Asked {
  readonly answer: CallbackAnswer;
  readonly tookMs: number;
  readonly event: StartEvent;
}

/**
 * Asks the callback handler about a publisher with a random channel and key, which it should refuse, and about one
 * whose token is signed with another secret. A start that is accepted is undone with a stop.
 */
export async function checkCallback(examination: Examination): Promise<readonly Finding[]> {
  const { callback } = examination.config;
  if (callback === undefined) {
    const todo = 'Set CALLBACK_URL and JWT_SECRET before strangers can reach the server.';
    return [skipped('callback', 'No CALLBACK_URL is set: everybody may publish', todo)];
  }
  let secret: string;
  try {
    secret = await secretOf(callback, examination);
  } catch (error) {
    return [skipped('callback', `The handler cannot be asked without its secret: ${messageOf(error)}`)];
  }
  const client = new CallbackClient({
    url: callback.url,
    trustedCa: callback.trustedCa,
    sign: callback.sigv4 && lambdaSigner(callback.sigv4.region, silentLogger),
  });
  try {
    const handler = new Handler(client, callback, examination);
    const first = await handler.ask(secret);
    const unusable = answerFault(first, callback);
    if (unusable !== undefined) return [unusable];
    const forged = await handler.ask(randomBytes(32).toString('base64url'));
    for (const { answer, event } of [first, forged]) if (accepts(answer)) await handler.undo(event, answer, secret);
    return [answered(first), ...judge(first.answer, forged.answer), speedFinding(first.tookMs)];
  } finally {
    client.close();
  }
}

class Handler {
  readonly #client: CallbackClient;
  readonly #callback: CallbackConfig;
  readonly #examination: Examination;

  constructor(client: CallbackClient, callback: CallbackConfig, examination: Examination) {
    this.#client = client;
    this.#callback = callback;
    this.#examination = examination;
  }

  async ask(secret: string): Promise<Asked> {
    const { rtmp } = this.#examination.config;
    const event: StartEvent = {
      event: 'start',
      jti: randomUUID(),
      channel: `doctor-${randomBytes(6).toString('hex')}`,
      key: randomBytes(16).toString('hex'),
      clientIp: '127.0.0.1',
      query: '',
      rtmpHost: rtmp.advertisedHost,
      rtmpPort: rtmp.port,
    };
    const begunAt = performance.now();
    const answer = await this.#post(event, secret);
    return { answer, tookMs: Math.round(performance.now() - begunAt), event };
  }

  async undo(event: StartEvent, answer: CallbackAnswer, secret: string): Promise<void> {
    const streamId = answer.outcome === 'answered' ? (answer.headers.get('stream-id') ?? '') : '';
    const { channel, key, clientIp, query, jti } = event;
    const stop = { event: 'stop', jti: randomUUID(), channel, key, clientIp, query, streamId, startJti: jti } as const;
    await this.#post(stop, secret);
  }

  async #post(event: CallbackEvent, secret: string): Promise<CallbackAnswer> {
    const token = await signEventToken(event, this.#callback.subject, secret, this.#examination.now());
    return this.#client.post(token, this.#callback.timeoutMs);
  }
}

async function secretOf({ jwtSecret }: CallbackConfig, { readSecret }: Examination): Promise<string> {
  return typeof jwtSecret === 'string' ? jwtSecret : readSecret(jwtSecret);
}

function accepts(answer: CallbackAnswer): boolean {
  return answer.outcome === 'answered' && answer.status === 200;
}

/** Why the handler cannot be used at all; undefined when it answers as a handler does. */
function answerFault({ answer }: Asked, { url, timeoutMs }: CallbackConfig): Finding | undefined {
  const where = `${url.protocol}//${url.host}`;
  switch (answer.outcome) {
    case 'unreachable': {
      const todo = 'Check CALLBACK_URL, and that the handler runs and can be reached from this machine.';
      return failed(ANSWER_CHECK, `The handler at ${where} cannot be reached: ${answer.reason}`, todo);
    }
    case 'timed-out':
    case 'aborted': {
      const todo = 'Make the handler faster: publishers are refused meanwhile. CALLBACK_TIMEOUT_SECONDS is the limit.';
      return failed(ANSWER_CHECK, `The handler at ${where} did not answer within ${timeoutMs / 1000} s`, todo);
    }
    case 'answered':
      break;
  }
  const { status, headers } = answer;
  const ofAws = headers.get('x-amzn-errortype');
  if (ofAws !== undefined) {
    const todo = 'Check CALLBACK_AUTH=sigv4, AWS_REGION, and that these credentials may call the function URL.';
    return failed(ANSWER_CHECK, `AWS answers in place of the handler at ${where}: status ${status}, ${ofAws}`, todo);
  }
  if (status === 404 || status === 405) {
    const todo = 'Check the path of CALLBACK_URL: the handler has to take POST requests there.';
    return failed(ANSWER_CHECK, `The handler at ${where} answers with status ${status}`, todo);
  }
  if (status === 200 || (status >= 400 && status < 500 && status !== 429)) return undefined;
  const todo = 'Its log has the reason. Expected is 200, or a status from 400 to 499 for a key that is wrong.';
  return failed(ANSWER_CHECK, `The handler at ${where} answers with status ${status}`, todo);
}

function answered({ answer }: Asked): Finding {
  const status = answer.outcome === 'answered' ? answer.status : 0;
  return passed(ANSWER_CHECK, `The handler answers (a wrong key with status ${status})`);
}

/** @param first the answer to a random key @param forged the answer to a token of another secret */
function judge(first: CallbackAnswer, forged: CallbackAnswer): readonly Finding[] {
  if (accepts(forged)) {
    const todo = 'Verify the JWT in the header rtmp-event with JWT_SECRET (HS256): anybody can pose as this server.';
    return [
      failed(SIGNATURE_CHECK, 'The handler accepts a token that is signed with another secret', todo),
      keyFinding(first),
    ];
  }
  if (accepts(first))
    return [
      passed(SIGNATURE_CHECK, 'The handler refuses a token that is signed with another secret'),
      keyFinding(first),
    ];
  const [status, forgedStatus] = [first, forged].map((answer) => (answer.outcome === 'answered' ? answer.status : 0));
  if (status === 401) {
    const todo = 'JWT_SECRET (and CUSTOM_JWT_SUBJECT) must be the same here and at the handler; check its clock, too.';
    return [
      failed(SIGNATURE_CHECK, 'The handler does not accept our signature (status 401)', todo),
      skipped(KEY_CHECK, 'Not known: our signature is refused'),
    ];
  }
  if (status === forgedStatus) {
    const says = `The handler answers ${status} to a wrong key and to a wrong signature, so the secret is not proved`;
    const todo =
      'Give a valid key (--channel, --key-stdin), which is published then, or answer 401 to a wrong signature.';
    return [skipped(SIGNATURE_CHECK, says, todo), keyFinding(first)];
  }
  return [
    passed(SIGNATURE_CHECK, 'The handler accepts our signature and refuses that of another secret'),
    keyFinding(first),
  ];
}

function keyFinding(first: CallbackAnswer): Finding {
  if (!accepts(first)) return passed(KEY_CHECK, 'The handler refuses a wrong key');
  const todo = 'Let it compare channel and key: everybody who finds the server can publish.';
  return warned(KEY_CHECK, 'The handler accepts a random channel and key', todo);
}

function speedFinding(tookMs: number): Finding {
  if (tookMs <= SLOW_MS) return passed(SPEED_CHECK, `The handler answers in ${tookMs} ms`);
  return warned(
    SPEED_CHECK,
    `The handler takes ${tookMs} ms`,
    'Every publisher waits so long: make the handler faster.',
  );
}
