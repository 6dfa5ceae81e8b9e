import { ConfigError } from '../config/config-error';

/**
 * Why a start failed. Expected faults are for the operator: what, where, what is allowed. Any other error is a bug, and
 * is shown with its stack.
 */
export function describeStartFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const expected = error instanceof ConfigError || error.cause !== undefined;
  return expected ? error.message : String(error.stack ?? error);
}
