import { Stack } from 'aws-cdk-lib';
import type { Duration } from 'aws-cdk-lib';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { RotationSchedule } from 'aws-cdk-lib/aws-secretsmanager';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge';
import type { FleetFunction } from './fleet-function';

export interface RotationProps {
  readonly secret: ISecret;
  readonly rotator: FleetFunction;
  readonly every: Duration;
}

/**
 * Makes Secrets Manager rotate a secret with a function every `every`, first that long after the deploy. Only Secrets
 * Manager of this account may call the function.
 */
export function rotateBySchedule(scope: Construct, id: string, { secret, rotator, every }: RotationProps): void {
  new RotationSchedule(scope, id, {
    secret,
    rotationLambda: rotator,
    automaticallyAfter: every,
    // Otherwise every change of this schedule would rotate at once, in the middle of a deploy.
    rotateImmediatelyOnUpdate: false,
  });
  for (const child of rotator.node.children) {
    if (child instanceof CfnPermission) child.sourceAccount = Stack.of(scope).account;
  }
  acknowledge(scope, {
    'AwsSolutions-IAM5[Resource::*]':
      'secretsmanager:GetRandomPassword reads and changes nothing and knows no resource',
  });
}
