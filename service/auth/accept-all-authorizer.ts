import type { PublishAuthorizer, PublishDecision } from './publish-authorizer';

/** Used when no callback is configured: every publisher is accepted, nobody is told of the end. */
export class AcceptAllAuthorizer implements PublishAuthorizer {
  authorizeStart(): Promise<PublishDecision> {
    return Promise.resolve({ accepted: true, grant: { streamId: '' } });
  }

  streamEnded(): void {}

  drain(): Promise<number> {
    return Promise.resolve(0);
  }
}
