/** A function ended with an error, or did not end in time. */
export class LambdaError extends Error {
  override readonly name = 'LambdaError';

  constructor(
    /** Name of the error that the handler threw, or of the way in which it failed. */
    readonly errorType: string,
    message: string,
  ) {
    super(message);
  }
}
