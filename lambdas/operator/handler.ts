import type { Context } from 'aws-lambda';
import { createDynamoDbClient, createSecretsManagerClient } from '../shared/aws-clients';
import { createLambdaLogger } from '../shared/lambda-logger';
import { AuditLog } from './audit-log';
import { ReadExchange } from '../../service/operators/exchange/read-exchange';
import { commandPort, exchangeCommand } from './command-exchange';
import { loadOperatorConfig } from './operator-config';
import { createOperatorHandler, type OperatorResult } from './operator-handler';
import { readRedisPassword } from './redis-password';

const config = loadOperatorConfig(process.env);
const secretsManager = createSecretsManagerClient();

const reach = async () => ({
  address: config.redis,
  password: await readRedisPassword(secretsManager, config.passwordArn),
  channel: config.channel,
});

const operate = createOperatorHandler({
  exchange: async (request) => exchangeCommand(request, await reach()),
  // A connection of its own for each request: one that is kept would not survive while the container is frozen.
  read: async (path) => {
    const exchange = new ReadExchange(commandPort(await reach()));
    try {
      return await exchange.read(path);
    } finally {
      exchange.close();
    }
  },
  audit: new AuditLog(createDynamoDbClient(), config.auditTableName),
  log: createLambdaLogger(),
});

/** Invoked with IAM: `aws lambda invoke --payload '{"command":"kill","channel":"news"}'`, or by `npm run fleet`. */
export async function handler(event: unknown, context: Context): Promise<OperatorResult> {
  return operate(event, context.awsRequestId);
}
