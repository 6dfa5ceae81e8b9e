import { Duration } from 'aws-cdk-lib';
import { RotationSchedule } from 'aws-cdk-lib/aws-secretsmanager';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge';
import { FleetFunction } from '../shared/fleet-function';
import { callbackSecretCacheSeconds } from './stream-callback';
import type { StreamCallback } from './stream-callback';

export interface JwtSecretRotationProps {
  readonly secret: ISecret;
  readonly callback: StreamCallback;
  readonly callbackAuth: 'sigv4' | 'none';
  readonly jwtSubject: string;
  readonly every: Duration;
  readonly logRetentionDays: RetentionDays;
}

/**
 * Gives the callbacks a new signing secret every so often. A new one becomes current only after the callback itself
 * has accepted a token signed with it, so that no publish is refused in between.
 */
export class JwtSecretRotation extends Construct {
  readonly function: FleetFunction;

  constructor(scope: Construct, id: string, props: JwtSecretRotationProps) {
    super(scope, id);
    const { secret, callback } = props;
    // Every warm copy of the callback must have read the secret anew; it waits for that, and asks again for as long.
    const probeTimeout = Duration.seconds(3 * callbackSecretCacheSeconds);
    this.function = new FleetFunction(this, 'Function', {
      source: 'lambdas/rotate-secret',
      description: 'Rotates the signing secret of the callbacks of the RTMP fleet',
      timeout: Duration.seconds(probeTimeout.toSeconds() + 60),
      logRetentionDays: props.logRetentionDays,
      environment: {
        CALLBACK_URL: callback.url,
        CALLBACK_AUTH: props.callbackAuth,
        PROBE_TIMEOUT_SECONDS: String(probeTimeout.toSeconds()),
        SECRET_CACHE_SECONDS: String(callbackSecretCacheSeconds),
        JWT_SUBJECT: props.jwtSubject,
      },
    });
    callback.grantCall(this.function);
    new RotationSchedule(this, 'Schedule', {
      secret,
      rotationLambda: this.function,
      automaticallyAfter: props.every,
      // Else every change of this schedule would rotate at once, in the middle of a deploy.
      rotateImmediatelyOnUpdate: false,
    });
    acknowledge(this, {
      'AwsSolutions-IAM5[Resource::*]':
        'secretsmanager:GetRandomPassword reads and changes nothing and knows no resource',
    });
  }
}
