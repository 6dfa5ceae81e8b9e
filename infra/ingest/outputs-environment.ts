import type { IManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { DeploymentConfig } from '../config/deployment-config';
import { stopTimeoutSeconds } from './stop-timeout';

/** What the outputs of streams use. */
export interface OutputResources {
  readonly token: ISecret;
  readonly recordings: IBucket | undefined;
  readonly hls: IBucket | undefined;
  /** Lets tasks store in the buckets; undefined without any. */
  readonly access: IManagedPolicy | undefined;
}

/** Where the outputs' container keeps recordings that S3 does not take at present. */
export const spoolPath = '/spool';

/** Of the task's 20 GiB of disk, which the images share (MiB). */
const spoolMiB = 10_240;

/**
 * The variables about outputs, for both containers: the node decides which outputs a stream has, and `rtmp-outputs` makes
 * them.
 */
export function outputsEnvironment(config: DeploymentConfig, resources: OutputResources): Record<string, string> {
  const { recordings, hls } = resources;
  const { recordStreams, hlsStreams, forwardAllow } = config;
  return {
    OUTPUTS: 'SIDECAR',
    OUTPUTS_TOKEN_ARN: resources.token.secretArn,
    ...(recordings && { RECORD_TO: `s3://${recordings.bucketName}`, RECORD_STREAMS: recordStreams }),
    ...(hls && { HLS_TO: `s3://${hls.bucketName}`, HLS_STREAMS: hlsStreams }),
    ...(forwardAllow && { FORWARD_ALLOW: forwardAllow.join(',') }),
  };
}

/**
 * Variables of the outputs' container alone. Both containers are told to end at the same time. This one takes a little
 * longer, because it is to complete what the node's last streams leave.
 */
export function outputsContainerEnvironment(config: DeploymentConfig): Record<string, string> {
  return {
    RECORD_SPOOL_DIR: spoolPath,
    RECORD_SPOOL_MB: String(spoolMiB),
    JWT_SECRET_REFRESH_SECONDS: String(config.jwtRefreshSeconds),
    DRAIN_SECONDS: String(stopTimeoutSeconds - 2),
    LOG_FORMAT: 'json',
  };
}
