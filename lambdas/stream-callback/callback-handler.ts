import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import type { StartEvent, StopEvent } from '../shared/event-claims';
import type { EventTokenVerifier } from '../shared/event-token-verifier';
import { describeError } from '../../service/errors/error-text';
import { acceptStart, type AnsweredStart, type StartDependencies } from './accept-start';
import { streamIdOf } from './decide';

export interface CallbackDependencies extends StartDependencies {
  readonly verifier: EventTokenVerifier;
}

export type CallbackHandler = (event: LambdaFunctionURLEvent) => Promise<LambdaFunctionURLResult>;

type Headers = Record<string, string>;

/** A caller learns only the class of a refusal. */
const BODIES = { 200: 'ok', 401: 'unauthorized', 403: 'forbidden', 409: 'conflict', 503: 'unavailable' } as const;

function answer(status: keyof typeof BODIES, headers: Headers = {}): LambdaFunctionURLResult {
  return {
    statusCode: status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store', ...headers },
    body: BODIES[status],
  };
}

/** The answer headers of an accepted start. */
function grantHeaders({ streamId, record: { policy }, forward }: AnsweredStart): Headers {
  const headers: Headers = { 'stream-id': streamId };
  if (policy.playKey !== undefined) headers['play-key'] = policy.playKey;
  if (policy.maxDurationSeconds !== undefined) headers['max-duration-seconds'] = String(policy.maxDurationSeconds);
  if (policy.maxBitrateKbps !== undefined) headers['max-bitrate-kbps'] = String(policy.maxBitrateKbps);
  if (forward !== undefined) headers['forward'] = forward.length === 0 ? 'none' : forward.join(' ');
  if (policy.record !== undefined) headers['record'] = policy.record;
  if (policy.hls !== undefined) headers['hls'] = policy.hls ? 'yes' : 'no';
  return headers;
}

async function handleStart(event: StartEvent, dependencies: CallbackDependencies): Promise<LambdaFunctionURLResult> {
  const { channel, clientIp } = event;
  const decision = await acceptStart(event, dependencies);
  if (!decision.accepted) {
    dependencies.log.info('start refused', { channel, clientIp, status: decision.status, reason: decision.reason });
    return answer(decision.status);
  }
  const { kind, streamId, record } = decision;
  const superseded = kind === 'new' ? record.active?.streamId : undefined;
  dependencies.log.info('start accepted', { channel, clientIp, streamId, kind, superseded });
  return answer(200, grantHeaders(decision));
}

async function handleStop(event: StopEvent, { store, log }: CallbackDependencies): Promise<LambdaFunctionURLResult> {
  const { channel, startJti } = event;
  const streamId =
    event.streamId === '' && startJti !== undefined ? streamIdOf({ channel, eventId: startJti }) : event.streamId;
  let freed = false;
  if (event.streamId !== '') freed = await store.end(event, new Date());
  else if (startJti !== undefined) freed = await store.endStart(channel, streamId, new Date());
  log.info('stop', { channel, streamId, startJti, freed });
  return answer(200);
}

/**
 * Answers the service's start and stop callbacks. Never rejects: a failure here is answered with 503, which the service
 * treats as a passing fault and retries.
 */
export function createCallbackHandler(dependencies: CallbackDependencies): CallbackHandler {
  const { verifier, peppers, log } = dependencies;
  return async ({ headers }) => {
    // Read in parallel with the signing secret; a failure is reported where the pepper is used.
    peppers.values().catch(() => undefined);
    try {
      const verdict = await verifier.verify(headers['rtmp-event']);
      if (!verdict.valid) {
        log.warning('token refused', { fault: verdict.fault });
        return answer(401);
      }
      const { event } = verdict;
      if (event.event === 'start') return await handleStart(event, dependencies);
      if (event.event === 'stop') return await handleStop(event, dependencies);
      return answer(200);
    } catch (error) {
      log.error('callback failed', { error: describeError(error) });
      return answer(503);
    }
  };
}
