import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  HttpVersion,
  KeyGroup,
  PublicKey,
  ResponseHeadersPolicy,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import type { BehaviorOptions } from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import type { CfnBucket, LifecycleRule } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge';

export interface HlsSiteProps {
  /**
   * Ids of public keys of CloudFront. Viewers then need URLs or cookies that are signed with the private key of one of
   * them; two at a time, while one replaces the other.
   */
  readonly keyIds: readonly string[];
  /** How many days streams stay after their end, 0 for ever; undefined: nodes delete the segments of ended streams. */
  readonly keepDays: number | undefined;
}

/** How long segments stay that no node deleted, because it died. */
const leftoverDays = 2;
/**
 * Playlists and the heads of streams (codecs, at the beginning) are smaller than this, segments larger (bytes). A head is
 * written once and read for as long as the stream is live, so that the age of its file says nothing.
 */
const smallBytes = 8 * 1024;
/** How much longer than segments heads and playlists stay. */
const smallDays = 400;

/** A private bucket for segments and playlists, and the CloudFront distribution that viewers read them from. */
export class HlsSite extends Construct {
  readonly bucket: Bucket;
  readonly distribution: Distribution;

  constructor(scope: Construct, id: string, props: HlsSiteProps) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      lifecycleRules: lifecycleOf(props.keepDays),
      removalPolicy: RemovalPolicy.RETAIN,
    });
    // The CDK writes a number where CloudFormation has a text.
    if (props.keepDays !== 0) {
      const { defaultChild } = this.bucket.node;
      (defaultChild as CfnBucket).addPropertyOverride(
        'LifecycleConfiguration.Rules.0.ObjectSizeGreaterThan',
        String(smallBytes),
      );
    }
    this.distribution = this.distributionOf(props.keyIds);
    acknowledge(this.bucket, { 'AwsSolutions-S1': 'segments live for minutes, and only CloudFront reads them' });
    acknowledge(this.distribution, {
      'AwsSolutions-CFR1': 'viewers may be anywhere: a restriction by country is the choice of who shows the stream',
      'AwsSolutions-CFR2': 'files without input: there is nothing for a web application firewall to inspect',
      'AwsSolutions-CFR3':
        'one line for each segment and viewer; metrics and real-time logs can be turned on when needed',
      'AwsSolutions-CFR4':
        "the distribution's own name comes with CloudFront's certificate, whose TLS version is not ours to set",
    });
  }

  private distributionOf(keyIds: readonly string[]): Distribution {
    const keyGroups =
      keyIds.length === 0
        ? []
        : [
            new KeyGroup(this, 'SigningKeys', {
              items: keyIds.map((keyId) => PublicKey.fromPublicKeyId(this, `Key${keyId}`, keyId)),
            }),
          ];
    const behavior = {
      origin: S3BucketOrigin.withOriginAccessControl(this.bucket),
      viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
      responseHeadersPolicy: ResponseHeadersPolicy.CORS_ALLOW_ALL_ORIGINS,
      ...(keyGroups.length > 0 && { trustedKeyGroups: keyGroups }),
    } satisfies BehaviorOptions;
    return new Distribution(this, 'Distribution', {
      comment: 'HLS of the RTMP fleet',
      httpVersion: HttpVersion.HTTP2_AND_3,
      defaultBehavior: { ...behavior, cachePolicy: this.segments() },
      additionalBehaviors: { '*.m3u8': { ...behavior, cachePolicy: this.playlists() } },
      // A playlist or segment that a player asks for a moment too early. CloudFront's own time for errors is 10 s, and
      // S3 answers 403 for what is not there to those who may not list the bucket.
      errorResponses: [403, 404].map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(1) })),
    });
  }

  /** A playlist changes with each segment: one second, in which all viewers of a place share one answer. */
  private playlists(): CachePolicy {
    return new CachePolicy(this, 'Playlists', {
      comment: 'Live playlists',
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(1),
      maxTtl: Duration.seconds(1),
      enableAcceptEncodingGzip: true,
      enableAcceptEncodingBrotli: true,
    });
  }

  /** A segment never changes. */
  private segments(): CachePolicy {
    return new CachePolicy(this, 'Segments', {
      comment: 'Media segments',
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.days(1),
      maxTtl: Duration.days(365),
    });
  }
}

/** What is deleted when no node deletes it. */
function lifecycleOf(keepDays = leftoverDays): LifecycleRule[] {
  if (keepDays === 0) return [];
  return [
    { expiration: Duration.days(keepDays), objectSizeGreaterThan: smallBytes },
    { expiration: Duration.days(keepDays + smallDays) },
  ];
}
