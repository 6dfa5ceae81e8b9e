import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

export interface ExpiringTableProps {
  /** Deletion protection, recovery to any second of the last 35 days, and kept when its stack is deleted. */
  readonly protect: boolean;
}

/** A table with one text key `pk`, whose items may have `ttl`, the second after which they expire. */
export class ExpiringTable extends Construct {
  readonly table: TableV2;

  constructor(scope: Construct, id: string, props: ExpiringTableProps) {
    super(scope, id);
    this.table = new TableV2(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      timeToLiveAttribute: 'ttl',
      billing: Billing.onDemand(),
      deletionProtection: props.protect,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: props.protect },
      // Its name is generated, so that a table left by a failed deployment does not block the next one.
      removalPolicy: props.protect ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }
}
