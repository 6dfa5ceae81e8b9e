import { CfnWaitConditionHandle } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/**
 * A placeholder in a stack whose resources all exist elsewhere: CloudFormation refuses a stack without resources, and
 * every deployment keeps the same stacks. It costs nothing and does nothing.
 */
export class NothingOwned extends CfnWaitConditionHandle {
  constructor(scope: Construct) {
    super(scope, 'NothingOwned');
  }
}
