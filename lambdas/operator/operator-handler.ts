import { describeError, type LambdaLogger } from '../shared/lambda-logger';
import type { AuditEntry, AuditLog } from './audit-log';
import { commandMessage, parseOperatorRequest } from './operator-request';

export interface OperatorDependencies {
  /** Publishes on the command channel; resolves to the number of subscribers that heard it. */
  readonly publish: (message: string) => Promise<number>;
  readonly audit: Pick<AuditLog, 'write'>;
  readonly log: LambdaLogger;
}

export interface OperatorResult {
  readonly command: string;
  readonly channel: string;
  /** Nodes that heard the command; 0 means that none is subscribed. */
  readonly receivers: number;
  /** False: the command was given, but no audit record could be written. */
  readonly audited: boolean;
}

export type OperatorHandler = (event: unknown, requestId: string) => Promise<OperatorResult>;

/** Carries out operators' orders; what goes wrong is thrown, so that the invoker sees it as the function's error. */
export function createOperatorHandler({ publish, audit, log }: OperatorDependencies): OperatorHandler {
  /** Never rejects: a kill must not wait for the table to come back. */
  const record = async (entry: AuditEntry): Promise<boolean> => {
    const { request, requestId, receivers, error } = entry;
    const { command, channel } = request;
    log.info('operator command', { command, channel, requestId, receivers, error });
    try {
      await audit.write(entry, new Date());
      return true;
    } catch (auditError) {
      log.error('audit record not written', { command, channel, requestId, error: describeError(auditError) });
      return false;
    }
  };

  return async (event, requestId) => {
    const request = parseOperatorRequest(event);
    try {
      const receivers = await publish(commandMessage(request));
      const audited = await record({ request, requestId, receivers });
      return { command: request.command, channel: request.channel, receivers, audited };
    } catch (error) {
      await record({ request, requestId, error: describeError(error) });
      throw error;
    }
  };
}
