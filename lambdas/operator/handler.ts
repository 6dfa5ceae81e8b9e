import type { Context } from 'aws-lambda';
import { createDynamoDbClient, createSecretsManagerClient } from '../shared/aws-clients';
import { createLambdaLogger } from '../shared/lambda-logger';
import { AuditLog } from './audit-log';
import { publishCommand } from './command-publisher';
import { loadOperatorConfig } from './operator-config';
import { createOperatorHandler, type OperatorResult } from './operator-handler';
import { readRedisPassword } from './redis-password';

const config = loadOperatorConfig(process.env);
const secretsManager = createSecretsManagerClient();

const operate = createOperatorHandler({
  publish: async (message) =>
    publishCommand(config.redis, await readRedisPassword(secretsManager, config.passwordArn), config.channel, message),
  audit: new AuditLog(createDynamoDbClient(), config.auditTableName),
  log: createLambdaLogger(),
});

/** Invoked with IAM: `aws lambda invoke --payload '{"command":"kill","channel":"news"}'`. */
export async function handler(event: unknown, context: Context): Promise<OperatorResult> {
  return operate(event, context.awsRequestId);
}
