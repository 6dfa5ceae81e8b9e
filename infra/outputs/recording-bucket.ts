import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge';

export interface RecordingBucketProps {
  /** Recordings are deleted after so many days; 0: never. */
  readonly keepDays: number;
}

/** Where streams are recorded: private, and kept when the deployment is deleted. */
export class RecordingBucket extends Bucket {
  constructor(scope: Construct, id: string, props: RecordingBucketProps) {
    super(scope, id, {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: [
        {
          // From the beginning of an upload, also while parts still come: longer than any file. Files end at the first
          // keyframe after 24 hours; without keyframes, FLV ends after 25 days.
          abortIncompleteMultipartUploadAfter: Duration.days(40),
          ...(props.keepDays > 0 && { expiration: Duration.days(props.keepDays) }),
        },
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(this, {
      'AwsSolutions-S1':
        'who reads recordings is a question for CloudTrail data events, which an account turns on once',
    });
  }
}
