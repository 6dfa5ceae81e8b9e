import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import type { IManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { DeploymentConfig } from './config/deployment-config';
import { HlsSite } from './outputs/hls-site';
import { RecordingBucket } from './outputs/recording-bucket';
import { StoringPolicy } from './outputs/storing-policy';
import { acknowledge } from './shared/acknowledge';
import { GeneratedSecret } from './shared/generated-secret';

export interface OutputsStackProps extends StackProps {
  readonly config: DeploymentConfig;
}

/** What the outputs of streams need that outlives tasks: buckets, the distribution for viewers, and a secret. */
export class OutputsStack extends Stack {
  /** With which the outputs prove themselves to the node of the same task. */
  readonly token: ISecret;
  /** undefined: nothing is recorded. */
  readonly recordings: IBucket | undefined;
  /** undefined: nothing is packaged. */
  readonly hls: IBucket | undefined;
  /** Lets tasks store in these buckets. */
  readonly access: IManagedPolicy | undefined;

  constructor(scope: Construct, id: string, props: OutputsStackProps) {
    super(scope, id, props);
    const { config } = props;
    this.token = new GeneratedSecret(this, 'Token', {
      description: 'With which rtmp-outputs proves itself to the node of its task',
      keep: false,
    });
    acknowledge(this.token, {
      'AwsSolutions-SMG4': 'spoken on the loopback interface of a task alone; both containers read it at their start',
    });
    this.recordings = this.recordingsOf(config);
    this.hls = config.hls ? this.hlsOf(config) : undefined;
    const { recordings, hls } = this;
    this.access = recordings || hls ? new StoringPolicy(this, 'Access', { recordings, hls }) : undefined;
  }

  private hlsOf({ hlsKeyIds = [], recordBucket, recordDays }: DeploymentConfig): IBucket {
    const { bucket, distribution } = new HlsSite(this, 'Hls', {
      keyIds: hlsKeyIds,
      // The HLS of a stream that is recorded stays when the stream has ended.
      keepDays: recordBucket === undefined ? undefined : recordDays,
    });
    new CfnOutput(this, 'Watch', { value: `https://${distribution.domainName}/CHANNEL/index.m3u8` });
    return bucket;
  }

  private recordingsOf({ recordBucket, recordDays }: DeploymentConfig): IBucket | undefined {
    if (recordBucket === undefined) return undefined;
    if (recordBucket !== 'create') return Bucket.fromBucketName(this, 'Recordings', recordBucket);
    const bucket = new RecordingBucket(this, 'Recordings', { keepDays: recordDays });
    new CfnOutput(this, 'RecordingBucket', { value: bucket.bucketName });
    return bucket;
  }
}
