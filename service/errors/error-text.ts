import { isNativeError } from 'node:util/types';

/** Only the message: the error object may contain secrets, as a Redis error contains the password that AUTH sent. */
export function messageOf(error: unknown): string {
  const { message } = Object(error) as { readonly message?: unknown };
  if (typeof message === 'string' && message !== '') return message;
  // When several addresses have all failed, the error has no message.
  return codeOf(error) ?? 'unknown error';
}

/** Node.js's name of the fault, such as `ECONNREFUSED`. */
export function codeOf(error: unknown): string | undefined {
  const { code } = Object(error) as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** Class and message, safe for a log line: no stack and no attached request. */
export function describeError(error: unknown): string {
  return isNativeError(error) ? `${error.name}: ${error.message}` : 'unknown error';
}
