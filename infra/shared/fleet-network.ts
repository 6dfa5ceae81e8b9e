import type { IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';

/** The three places of the deployment inside a VPC, made here or brought along. */
export interface FleetNetwork {
  readonly vpc: IVpc;
  /** The load balancer's subnets: public, one per zone that takes streams. Nothing else lives in them. */
  readonly ingress: SubnetSelection;
  /** The tasks' subnets, one per zone that takes streams. */
  readonly tasks: SubnetSelection;
  /** Subnets without a way out, in at least two zones: the cache, and Lambdas that talk to it. */
  readonly data: SubnetSelection;
  /** Whether what has no public address reaches AWS APIs from the task subnets, by NAT or by PrivateLink. */
  readonly privateEgress: boolean;
  /**
   * IPv4 CIDRs that the load balancer's connections come from: only those may send a PROXY header. In a new VPC just
   * the ingress subnets; in an existing one its whole CIDR, as subnet ids do not tell their addresses.
   */
  readonly ingressCidrs: readonly string[];
  /** IPv4 CIDRs of the subnets in which nothing but the fleet's neighbours live; none are known of an existing VPC. */
  readonly innerCidrs: readonly string[];
}
