import { Duration } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { FleetFunction } from '../shared/fleet-function';
import { rotateBySchedule } from '../shared/rotate-secret';
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
 * Rotates the signing secret of the callbacks. A new secret becomes current only after the callback has accepted a
 * token signed with it, so that no publish is refused in between.
 */
export class JwtSecretRotation extends Construct {
  readonly function: FleetFunction;

  constructor(scope: Construct, id: string, props: JwtSecretRotationProps) {
    super(scope, id);
    const { secret, callback } = props;
    // The rotation waits until every warm copy of the callback has read the secret again, then probes for as long.
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
    rotateBySchedule(this, 'Schedule', { secret, rotator: this.function, every: props.every });
  }
}
