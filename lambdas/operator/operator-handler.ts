import { describeError } from '../../service/errors/error-text';
import type { LambdaLogger } from '../shared/lambda-logger';
import type { AuditEntry, AuditLog } from './audit-log';
import type { CommandOutcome } from '../../service/operators/exchange/command-exchange';
import type { CommandReply } from '../../service/operators/exchange/command-reply';
import type { PackedAnswer } from '../../service/operators/read-request';
import { type OrderRequest, parseOperatorRequest } from './operator-request';

export interface OperatorDependencies {
  /** Publishes the command and collects the nodes' replies. */
  readonly exchange: (request: OrderRequest) => Promise<CommandOutcome>;
  /** Asks a node for a path of the API. */
  readonly read: (path: string) => Promise<PackedAnswer>;
  readonly audit: Pick<AuditLog, 'write'>;
  readonly log: LambdaLogger;
}

/** What a node answered to `read`, as over HTTP. */
export interface ReadResult extends PackedAnswer {
  readonly command: 'read';
}

/** What an order did. */
export interface OrderOutcome {
  readonly command: string;
  /** For commands that concern a channel. */
  readonly channel?: string;
  /** For `drain`. */
  readonly node?: string;
  /**
   * How many nodes answered within some seconds. Absent, like `silent` and `replies`, if replies could not be received.
   */
  readonly answered?: number;
  /** Ids of registered nodes that did not answer in time. */
  readonly silent?: readonly string[];
  /** The replies of the nodes that acted. */
  readonly replies?: readonly CommandReply[];
  /** False: the command was published, but no audit record could be written. */
  readonly audited: boolean;
}

export type OperatorResult = OrderOutcome | ReadResult;

export type OperatorHandler = (event: unknown, requestId: string) => Promise<OperatorResult>;

/** Executes operators' orders; throws failures, so that the invoker sees them as the function's error. */
export function createOperatorHandler({ exchange, read, audit, log }: OperatorDependencies): OperatorHandler {
  /** Never rejects: a kill must not fail because the table is unavailable. */
  const record = async (entry: AuditEntry): Promise<boolean> => {
    const { request, requestId, answered, silent, error } = entry;
    const what = { command: request.command, ...targetOf(request), requestId };
    log.info('operator command', { ...what, answered, silent: silent?.join(' '), error });
    try {
      await audit.write(entry, new Date());
      return true;
    } catch (auditError) {
      log.error('audit record not written', { ...what, error: describeError(auditError) });
      return false;
    }
  };

  return async (event, requestId) => {
    const request = parseOperatorRequest(event);
    // Reading changes nothing, and a console reads every few seconds: only CloudTrail and the function's log keep it.
    if (request.command === 'read') {
      log.info('operator reads', { path: request.path, requestId });
      return { command: 'read', ...(await read(request.path)) };
    }
    try {
      const { answered, silent, replies, deaf } = await exchange(request);
      if (deaf !== undefined) log.warning('replies cannot be heard', { requestId, reason: deaf });
      const missing = silent === undefined ? {} : { silent };
      const actedOn = replies.map(({ node }) => node);
      const heard = deaf === undefined && { answered, ...missing };
      const audited = await record({ request, requestId, ...(heard && { ...heard, actedOn }) });
      return { command: request.command, ...targetOf(request), ...(heard && { ...heard, replies }), audited };
    } catch (error) {
      await record({ request, requestId, error: describeError(error) });
      throw error;
    }
  };
}

function targetOf(request: OrderRequest): { channel?: string; node?: string } {
  if ('node' in request) return { node: request.node };
  return 'channel' in request ? { channel: request.channel } : {};
}
