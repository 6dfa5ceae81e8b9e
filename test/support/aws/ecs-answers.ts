/** An error as the API names it. */
export class EcsApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Why one of several tasks could not be dealt with. */
export interface Failure {
  readonly arn: string;
  readonly reason: string;
  readonly detail?: string;
}

export interface ProtectedTask {
  readonly taskArn: string;
  readonly protectionEnabled: boolean;
  readonly expirationDate?: Date;
}
