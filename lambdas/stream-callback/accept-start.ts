import { setTimeout as sleep } from 'node:timers/promises';
import type { WhenBusy } from '../shared/channel-policy';
import type { ActiveStream } from '../shared/channel-record';
import type { StartEvent } from '../shared/event-claims';
import { describeError } from '../../service/errors/error-text';
import type { LambdaLogger } from '../shared/lambda-logger';
import type { SecretVersions } from '../shared/secret-versions';
import { decideStart, streamIdOf, type AcceptedStart, type RefusedStart } from './decide';
import { openTargets, type OpenedTargets } from '../shared/forward-targets';
import { checkKey } from './key-check';
import type { StreamStore } from './stream-store';

export interface StartDependencies {
  readonly store: StreamStore;
  readonly peppers: SecretVersions;
  readonly whenBusyDefault: WhenBusy;
  readonly log: LambdaLogger;
}

/**
 * Publishers that race for one channel force each other to decide again; an ordinary race has fewer rounds than this.
 */
const MAX_ROUNDS = 20;
const MAX_PAUSE_MS = 40;

function streamOf(event: StartEvent, decision: AcceptedStart, now: Date): ActiveStream {
  const { streamId, record, kind } = decision;
  const startedAt = kind === 'new' ? now.toISOString() : (record.active?.startedAt ?? now.toISOString());
  const startJti = kind === 'new' ? event.eventId : record.active?.startJti;
  return { streamId, startedAt, clientIp: event.clientIp, rtmpHost: event.rtmpHost, startJti, askedAt: event.issuedAt };
}

export interface AnsweredStart extends AcceptedStart {
  /** Where the stream is forwarded to, with keys; undefined: the channel does not say. */
  readonly forward?: readonly string[] | undefined;
}

/** The targets of a channel. Without them a stream is forwarded nowhere, rather than where the node's settings say. */
function targetsOf(
  { record }: AcceptedStart,
  peppers: readonly string[],
  log: LambdaLogger,
): OpenedTargets | undefined {
  const { channel, policy, sealedForward } = record;
  if (policy.forward === undefined) return undefined;
  if (sealedForward === undefined) return { urls: [] };
  const opened = openTargets(peppers, channel, sealedForward);
  if (opened === undefined)
    log.error('targets cannot be opened: the pepper was changed twice, set them again', { channel });
  return opened ?? { urls: [] };
}

/**
 * Decides a start and writes the decision into the table, as one atomic step: it decides again whenever the channel has
 * changed between reading and writing.
 * @throws when the table or the pepper cannot be reached, or the race does not end.
 */
export async function acceptStart(
  event: StartEvent,
  dependencies: StartDependencies,
): Promise<RefusedStart | AnsweredStart> {
  const { store, peppers, whenBusyDefault, log } = dependencies;
  const streamId = streamIdOf(event);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const now = new Date();
    const [context, pepperValues] = await Promise.all([store.read(event.channel, streamId), peppers.values()]);
    const key = checkKey(context.record, event.channel, event.key, pepperValues);
    const nowSeconds = Math.floor(now.getTime() / 1000);
    const decision = decideStart({ event, streamId, ...context, key, nowSeconds, whenBusyDefault });
    if (!decision.accepted) return decision;

    const stream = streamOf(event, decision, now);
    const targets = targetsOf(decision, pepperValues, log);
    if (await store.hold(decision, stream, { keyHash: key.renewedHash, sealedForward: targets?.renewed })) {
      await store.recordStart(decision, stream, now).catch((error: unknown) => {
        // The stream is accepted; a gap in the history is no reason to refuse its publisher.
        log.error('session history not written', { streamId: stream.streamId, error: describeError(error) });
      });
      return { ...decision, forward: targets?.urls };
    }
    await sleep(Math.random() * MAX_PAUSE_MS);
  }
  throw new Error(`channel changed ${MAX_ROUNDS} times while it was being decided`);
}
