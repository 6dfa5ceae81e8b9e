import { OperatorError } from '../errors/operator-error';

/**
 * Why a start failed: in words if the operator can correct it. Any other error is a bug, and is shown with its stack.
 */
export function describeStartFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof OperatorError ? error.message : String(error.stack ?? error);
}
