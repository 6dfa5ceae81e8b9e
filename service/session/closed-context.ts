import type { SessionContext } from './session-context';

/** A context for sessions that may neither publish nor play, for this reason; only authenticated relays may play. */
export function closedContext(context: SessionContext, reason: string): SessionContext {
  const { moveToStream: _moves, ...others } = context;
  return {
    ...others,
    gate: {
      admit: () => Promise.resolve({ accepted: false, final: true, reason }),
      leave: () => undefined,
    },
    refusal: () => reason,
  };
}
