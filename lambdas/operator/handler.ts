import type { Context } from 'aws-lambda';
import { createDynamoDbClient, createSecretsManagerClient } from '../shared/aws-clients';
import { createLambdaLogger } from '../shared/lambda-logger';
import { AuditLog } from './audit-log';
import { exchangeCommand } from './command-exchange';
import { loadOperatorConfig } from './operator-config';
import { createOperatorHandler, type OperatorResult } from './operator-handler';
import { readRedisPassword } from './redis-password';

const config = loadOperatorConfig(process.env);
const secretsManager = createSecretsManagerClient();

const operate = createOperatorHandler({
  exchange: async (request) => {
    const password = await readRedisPassword(secretsManager, config.passwordArn);
    return exchangeCommand(request, { address: config.redis, password, channel: config.channel });
  },
  audit: new AuditLog(createDynamoDbClient(), config.auditTableName),
  log: createLambdaLogger(),
});

/** Invoked with IAM: `aws lambda invoke --payload '{"command":"kill","channel":"news"}'`. */
export async function handler(event: unknown, context: Context): Promise<OperatorResult> {
  return operate(event, context.awsRequestId);
}
