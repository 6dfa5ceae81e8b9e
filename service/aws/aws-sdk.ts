/**
 * What the service uses of the AWS SDK. Only ever imported while running: the bundler makes it a file of its own, so
 * that a node that does not use AWS neither reads nor holds over a megabyte of code.
 */
export { Sha256 } from '@aws-crypto/sha256-js';
export { DescribeServicesCommand, DescribeTasksCommand, ECSClient } from '@aws-sdk/client-ecs';
export { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
export { defaultProvider } from '@aws-sdk/credential-provider-node';
export { SignatureV4 } from '@smithy/signature-v4';
