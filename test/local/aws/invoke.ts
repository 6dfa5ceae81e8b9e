import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { LambdaError } from './lambda-error';

/**
 * Invokes a function through the API, as `aws lambda invoke` does.
 *
 * @throws LambdaError with what the function threw
 */
export async function invoke(client: LambdaClient, functionName: string, event: object): Promise<unknown> {
  const command = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(event)) });
  const { Payload, FunctionError } = await client.send(command);
  const result: unknown = JSON.parse(Buffer.from(Payload ?? []).toString('utf8'));
  if (FunctionError === undefined) return result;
  const { errorType, errorMessage } = result as { readonly errorType: string; readonly errorMessage: string };
  throw new LambdaError(errorType, errorMessage);
}
