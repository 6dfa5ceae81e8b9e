/**
 * A fault that an operator can mend. The message says what is wrong, where, and what is allowed, and needs no stack. Any
 * other error is a defect.
 */
export class OperatorError extends Error {}
