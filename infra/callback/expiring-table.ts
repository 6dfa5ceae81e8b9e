import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

export interface ExpiringTableProps {
  /** Deletion protection, recovery to any second of the last 35 days, and kept when its stack goes. */
  readonly protect: boolean;
}

/** A table under one text key `pk`, whose items may carry `ttl`, the second after which they may go. */
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
      // Its name is generated, so that one left by a deployment that failed is in nobody's way.
      removalPolicy: props.protect ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
  }
}
