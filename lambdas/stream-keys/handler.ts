import { createLambdaLogger } from '../shared/lambda-logger';
import { runKeysCommand, type KeysResult } from './keys-commands';
import { connectKeys } from './keys-config';
import { parseKeysRequest } from './keys-request';

const log = createLambdaLogger();
const dependencies = connectKeys(process.env, log);

/** Invoked with IAM; faults are thrown, so that the invoker sees them as the function's error. */
export async function handler(event: unknown): Promise<KeysResult> {
  const request = parseKeysRequest(event);
  const result = await runKeysCommand(request, dependencies);
  log.info('keys command', { command: request.command, channel: 'channel' in request ? request.channel : undefined });
  return result;
}
