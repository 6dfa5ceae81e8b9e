import { Duration } from 'aws-cdk-lib';
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { FleetFunction } from '../shared/fleet-function';
import { allowReading } from '../shared/read-secret';

export interface StreamKeysFunctionProps {
  readonly table: ITableV2;
  readonly keyPepper: ISecret;
  readonly logRetentionDays: RetentionDays;
}

/** Invoked with IAM by those who manage channels: creates, rotates, disables and lists stream keys. */
export class StreamKeysFunction extends Construct {
  readonly function: FleetFunction;

  constructor(scope: Construct, id: string, props: StreamKeysFunctionProps) {
    super(scope, id);
    const { table, keyPepper } = props;
    this.function = new FleetFunction(this, 'Function', {
      source: 'lambdas/stream-keys',
      description: 'Creates, rotates, disables and lists stream keys of the RTMP fleet',
      timeout: Duration.seconds(30),
      logRetentionDays: props.logRetentionDays,
      environment: { TABLE_NAME: table.tableName, KEY_PEPPER_ARN: keyPepper.secretArn },
    });
    // Scan: listing is rare and has no index.
    const itemActions = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'];
    table.grant(this.function, ...itemActions, 'dynamodb:Scan');
    allowReading(keyPepper, this.function);
  }
}
