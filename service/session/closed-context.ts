import type { SessionContext } from './session-context';

/** Sessions that may neither publish nor play, for this reason; relays that prove themselves still may. */
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
