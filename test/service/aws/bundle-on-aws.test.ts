import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startLambdaFixture, type LambdaFixture } from '../../lambdas/lambda-fixture';
import { startFunctionUrl, type FunctionUrl } from '../../support/aws/function-url';
import { RtmpClient } from '../../support/rtmp/rtmp-client';
import { ServerProcess } from '../../support/servers/server-process';
import { STAND_IN_CREDENTIALS, STAND_IN_ENVIRONMENT, STAND_IN_REGION } from '../../support/aws/stand-in-identity';
import { startTaskMetadata, type TaskMetadataStandIn } from '../../support/aws/task-metadata';

let lambdas: LambdaFixture;
let functionUrl: FunctionUrl;
let metadata: TaskMetadataStandIn;
beforeEach(async () => {
  lambdas = await startLambdaFixture();
  functionUrl = await startFunctionUrl(lambdas.createCallback(), {
    iam: { ...STAND_IN_CREDENTIALS, region: STAND_IN_REGION, service: 'lambda' },
  });
  metadata = await startTaskMetadata();
});
afterEach(async () => {
  await Promise.all([functionUrl.stop(), metadata.stop(), lambdas.stop()]);
});

test.each(['1', '2'])('the bundle finds the AWS SDK beside it, with %s workers', async (workers) => {
  const key = await lambdas.createChannel('live');
  const server = await ServerProcess.start({
    ...STAND_IN_ENVIRONMENT,
    WORKERS: workers,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: lambdas.secretsManager.endpoint,
    ECS_CONTAINER_METADATA_URI_V4: metadata.uri,
    CALLBACK_URL: functionUrl.url,
    CALLBACK_AUTH: 'sigv4',
    JWT_SECRET_ARN: lambdas.jwtSecretArn,
  });
  const publisher = await RtmpClient.publisher({ port: server.rtmpPort, channel: 'live', key });
  expect(lambdas.log.matching(/start accepted .*"live"/)).toHaveLength(1);
  // The stop has to be delivered, signed, before the process ends.
  expect(await server.stop()).toBe(0);
  await publisher.expectClosed();
  expect(lambdas.log.matching(/info stop .*"freed":true/)).toHaveLength(1);
  expect(functionUrl.denied).toEqual([]);
});
