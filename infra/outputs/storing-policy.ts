import { Stack } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference';
import type { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge';

export interface StoredIn {
  /** undefined: nothing is recorded. */
  readonly recordings: IBucket | undefined;
  /** undefined: nothing is packaged. */
  readonly hls: IBucket | undefined;
}

const ofObjects = ['s3:PutObject', 's3:GetObject', 's3:DeleteObject'] as const;
/** Recordings are uploaded in parts. Another node completes or ends the upload of a node that died. */
const ofUploads = ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'] as const;

/**
 * Lets tasks store recordings and HLS, and read and delete what they stored. To list a bucket is needed as well: with it
 * a node finds what another one has left unfinished, and S3 says of an object that does not exist that it does not exist.
 */
export class StoringPolicy extends ManagedPolicy {
  constructor(scope: Construct, id: string, { recordings, hls }: StoredIn) {
    const buckets = [recordings, hls].filter((bucket) => bucket !== undefined);
    const objectsOf = (bucket: IBucket) => bucket.arnForObjects('*');
    super(scope, id, {
      description: 'Outputs of streams: recordings and HLS',
      statements: [
        new PolicyStatement({ actions: [...ofObjects], resources: buckets.map(objectsOf) }),
        ...(recordings ? [new PolicyStatement({ actions: [...ofUploads], resources: [objectsOf(recordings)] })] : []),
        new PolicyStatement({ actions: ['s3:ListBucket'], resources: buckets.map((bucket) => bucket.bucketArn) }),
      ],
    });
    for (const arn of buckets.map(objectsOf)) {
      acknowledge(this, {
        [`AwsSolutions-IAM5[Resource::${flattenCfnReference(Stack.of(this).resolve(arn))}]`]:
          'objects are named after channels and times, which are not known before',
      });
    }
  }
}
