/** An error as the API names it. */
export class EcsApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Why a request failed for one of several tasks. */
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
