import { text } from 'node:stream/consumers';
import { EnvironmentError } from '../shared/lambda-env';
import { describeError } from '../../service/errors/error-text';
import { createLambdaLogger } from '../shared/lambda-logger';
import { parseCliArguments, targetsOf, USAGE, UsageError } from './cli-arguments';
import { describeResult } from './cli-report';
import { runKeysCommand } from './keys-commands';
import { connectKeys } from './keys-config';
import { InvalidRequest, parseKeysRequest } from './keys-request';

const WHERE_FROM = `On AWS, the configuration of the function that the output StreamKeysFunction names has both; npm run local writes a
file of all variables. npm run keys -- --help lists them.`;

/** Explanations of AWS SDK errors. */
const HINTS = [
  ['Region is missing', 'AWS_REGION is not set'],
  ['region=""', 'AWS_REGION is not set'],
  ['Could not load credentials', 'there are no AWS credentials'],
  ['Requested resource not found', 'there is no table of the name in TABLE_NAME'],
  ["can't find the specified secret", 'there is no secret with the ARN in KEY_PEPPER_ARN'],
] as const;

async function run(argv: readonly string[]): Promise<void> {
  const parsed = parseCliArguments(argv);
  if (parsed === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const { request: fields, json, stdin } = parsed;
  const read = stdin === undefined ? '' : (await text(process.stdin)).trim();
  const request = parseKeysRequest({
    ...fields,
    ...(stdin === 'key' && { key: read }),
    ...(stdin === 'forward' && { policy: { ...(fields['policy'] as object | undefined), forward: targetsOf([read]) } }),
  });
  const log = createLambdaLogger((line) => process.stderr.write(`${line}\n`));
  const result = await runKeysCommand(request, connectKeys(process.env, log));
  process.stdout.write(`${json ? JSON.stringify(result, undefined, 2) : describeResult(result)}\n`);
}

run(process.argv.slice(2)).catch((error: unknown) => {
  const misused = error instanceof UsageError || error instanceof InvalidRequest;
  process.stderr.write(misused ? `${error.message}\n\n${USAGE}\n` : `${describeFailure(error)}\n`);
  process.exitCode = misused ? 2 : 1;
});

function describeFailure(error: unknown): string {
  if (error instanceof EnvironmentError) return `${error.faults.join('; ')}\n\n${WHERE_FROM}`;
  const text = describeError(error);
  const hint = HINTS.find(([fault]) => text.includes(fault))?.[1];
  return hint === undefined ? text : `${hint} (${text})`;
}
