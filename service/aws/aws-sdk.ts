/**
 * The parts of the AWS SDK that the service uses. Only imported dynamically: the bundler puts them into a separate
 * file, so that a node without AWS does not load over a megabyte of code.
 */
export { Sha256 } from '@aws-crypto/sha256-js';
export { DescribeServicesCommand, DescribeTasksCommand, ECSClient } from '@aws-sdk/client-ecs';
export { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
export { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
export { defaultProvider } from '@aws-sdk/credential-provider-node';
export { SignatureV4 } from '@smithy/signature-v4';
