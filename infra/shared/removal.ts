import { RemovalPolicy } from 'aws-cdk-lib';

/**
 * What becomes of a resource that holds data when it leaves its stack. Kept ones do not survive a deployment that fails
 * before they were ever used: some have fixed names, and would be in the way of the next try.
 */
export function keptIf(keep: boolean): RemovalPolicy {
  return keep ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}
