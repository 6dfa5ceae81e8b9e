import type { StreamGrant } from '../hub/publication';
import type { Publisher } from '../hub/publisher';
import type { Refusal } from '../publishing/life-events';
import type { AdmissionOutcome } from '../session/rtmp-commands/publish-gate';
import type { StreamTarget } from '../session/rtmp-commands/name-rules';
import type { Span } from '../tracing/span';

export const GONE: AdmissionOutcome = refusal('The publisher has gone');
export const CROWDED: AdmissionOutcome = refusal(
  'Other publishers of this channel are waiting for a decision, try again soon',
);
export const BUSY: AdmissionOutcome = refusal('Stream already publishing');

/** A publisher of this node that nobody has decided on yet. */
export interface Attempt {
  readonly publish: string;
  readonly publisher: Publisher;
  readonly stream: StreamTarget;
  /** Aborts when the publisher has left. */
  readonly signal: AbortSignal;
  /** The callback is traced within this span. */
  readonly span: Span | undefined;
  /** What came with the handler's permission. */
  grant?: StreamGrant;
  /** Why there was no answer. */
  failure?: string;
  /** The handler is being asked: from now on only its answer ends the publisher's wait. */
  asked(): void;
  settle(outcome: AdmissionOutcome): void;
}

/** What the machine's refusal is for the publisher. */
export function outcomeOf(why: Refusal, failure = 'The callback could not be made'): AdmissionOutcome {
  switch (why.why) {
    case 'busy':
      return BUSY;
    case 'crowded':
      return CROWDED;
    case 'unreachable':
      return refusal('The fleet registry cannot be reached');
    case 'killed':
      return refusal('The stream was ended while the callback was asked, try again');
    case 'blocked': {
      const seconds = Math.max(1, Math.ceil((why.until - Date.now()) / 1000));
      return { accepted: false, final: true, reason: `Channel is blocked for ${seconds} s by the operator` };
    }
    case 'noAnswer':
      return refusal(failure);
    case 'refused':
      return { accepted: false, final: why.final, reason: why.reason };
  }
}

export function refusal(reason: string): AdmissionOutcome {
  return { accepted: false, final: false, reason };
}
