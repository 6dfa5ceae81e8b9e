import { RemovalPolicy } from 'aws-cdk-lib';

/**
 * The removal policy of a resource that holds data. Even with `keep`, the resource is deleted when the deployment that
 * creates it fails: some have fixed names, and would block the next attempt.
 */
export function keptIf(keep: boolean): RemovalPolicy {
  return keep ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}
