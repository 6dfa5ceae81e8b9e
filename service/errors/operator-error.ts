/**
 * A fault that an operator can correct. The message says what is wrong, where, and what is allowed, and needs no stack.
 * Any other error is a bug.
 */
export class OperatorError extends Error {}
