// One instance of a Lambda function: loads the handler once, then answers one event after the other over the message
// channel. Its arguments: file, name of the handler, the names of the function's own variables.
import { createRequire } from 'node:module';

const [, , file, handlerName, ...variables] = process.argv;
process.on('disconnect', () => process.exit());

/** Names that the function has read. Other variables are set by Lambda, or read by the AWS SDK later. */
const asked = new Set();
const setByOthers = /^(AWS|NODE)_/;
process.env = new Proxy(process.env, {
  get(environment, name) {
    asked.add(name);
    return environment[name];
  },
});

const toError = (error) => ({ errorType: error?.name ?? 'Error', errorMessage: error?.message ?? String(error) });
const wholeSeconds = (ms) => Math.max(0, Math.floor(ms));

try {
  const handler = createRequire(import.meta.url)(file)[handlerName];
  const unknown = variables.filter((name) => !asked.has(name) && !setByOthers.test(name));
  if (unknown.length > 0) throw new Error(`variables that the function does not know: ${unknown.join(', ')}`);
  process.on('message', ({ event, requestId, deadlineMs }) => {
    const context = {
      awsRequestId: requestId,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      getRemainingTimeInMillis: () => wholeSeconds(deadlineMs - Date.now()),
    };
    Promise.resolve()
      .then(() => handler(event, context))
      .then(
        (result) => process.send({ result }),
        (error) => process.send({ error: toError(error) }),
      );
  });
  process.send({ ready: true });
} catch (error) {
  process.send({ error: toError(error) }, () => process.exit(1));
}
